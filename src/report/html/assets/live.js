// Knobs: every turn asks the program behind the page for a new output. While it computes, the newest turn waits.

let asking = false;
let askAgain = false;

const knobs = () => [...document.querySelectorAll('[data-knob]')];

/** Only knobs that mean something for the method can be turned. */
function enableKnobs() {
  const method = knobs()[0].value;
  for (const knob of knobs()) {
    const wanted = knob.closest('label').dataset.for;
    knob.disabled = wanted !== '' && !wanted.split(' ').includes(method);
    const shown = knob.nextElementSibling;
    if (shown) shown.textContent = knob.value;
  }
}

function knobValues() {
  const values = {};
  for (const knob of knobs()) values[knob.dataset.knob] = knob.type === 'range' ? Number(knob.value) : knob.value;
  return values;
}

async function ask() {
  enableKnobs();
  if (asking) { askAgain = true; return; }
  asking = true;
  const started = performance.now();
  try {
    do {
      askAgain = false;
      const answer = await fetch('result', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(knobValues()) });
      if (!answer.ok) throw new Error(await answer.text());
      take(await answer.arrayBuffer());
    } while (askAgain);
    live.answered_ms = performance.now() - started;
    live.answers += 1;
  } catch (error) {
    byId('live-status').textContent = error instanceof TypeError ? 'The program that made this page has ended.' : error.message;
  }
  asking = false;
}

/** JSON's length, JSON, planar 32-bit floats. */
function take(bytes) {
  const length = new DataView(bytes).getUint32(0, true);
  const result = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  const samples = new Float32Array(bytes, 4 + length);
  const tracks = Array.from({ length: result.channels }, (_, c) => samples.subarray(c * result.frames, (c + 1) * result.frames));
  show(result);
  heard(tracks);
}

function show(result) {
  live.result = result;
  data.versions[1].name = result.name;
  byId('hear-1').lastChild.textContent = result.name;
  for (const option of document.querySelectorAll('#abx option[value="1"]')) option.textContent = result.name;
  byId('live-status').textContent = result.status;
  byId('live-command').textContent = result.command;
  const heading = document.querySelector('#summary thead th:last-child');
  if (heading) heading.textContent = result.name;
  for (const { key, text } of result.figures) {
    const cell = document.querySelector(`#summary tr[data-key="${CSS.escape(key)}"] td:last-child`);
    if (cell) cell.textContent = text;
  }
  if (data.spectra) { data.spectra.signals[1] = result.signal; data.spectra.errors[1] = result.error; }
  data.overview.versions[1] = { low: result.low, high: result.high };
  for (const entry of plots) rebuild(entry);
}

/** The player takes the new samples over where it stands; before it exists they wait for it. */
function heard(tracks) {
  decoded[1] = tracks;
  if (!player) return;
  player.replace(1, tracks);
  if (errorSource != null) player.replace(errorSource, errorTracks(1));
  matchLevels();
}

const live = { answers: 0, answered_ms: null, result: null };

function setUpLive() {
  for (const knob of knobs()) knob.addEventListener('input', ask);
  ask();
}
