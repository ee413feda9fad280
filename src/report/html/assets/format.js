// Small things that every part uses.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);

/** Levels from 16-bit integers in base64, hundredths of a dB; the least integer stands for none. */
function unpacked(text) {
  if (text == null) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 }, (_, i) => {
    const code = view.getInt16(2 * i, true);
    return code === -32768 ? null : code / 100;
  });
}
for (const kind of data.spectra ? ['signals', 'errors'] : []) data.spectra[kind] = data.spectra[kind].map(unpacked);

/** An element with attributes and children; text is never parsed as HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

/** A number with a true minus sign. */
const decimal = (value, places) =>
  value == null || !isFinite(value) ? '–' : value.toFixed(places).replace('-', '\u2212');

/** Hz as 440, 1 k, 2.5 k. */
function hertz(value) {
  if (Math.abs(value) < 1000) return String(+value.toPrecision(4));
  return `${+(value / 1000).toPrecision(4)}\u00a0k`;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Hands `text` to the browser as a file. */
function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** RFC 4180: fields with commas, quotes or line ends are quoted. A leading = + - @ would be a formula in a spreadsheet. */
function csv(rows) {
  const field = (value) => {
    let text = String(value ?? '');
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

/** Integers from 0 to n - 1, each equally likely, from the system's random numbers. */
function random(n) {
  const limit = Math.floor(2 ** 32 / n) * n;
  const word = new Uint32Array(1);
  do crypto.getRandomValues(word); while (word[0] >= limit);
  return word[0] % n;
}

/** Fisher and Yates. */
function shuffled(items) {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = random(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}
