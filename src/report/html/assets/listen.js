// The listening section: buttons, loop, levels, and the waveform on which the loop is chosen.

let player = null;
let errorSource = null;
let blinded = false;

const sourceName = (i) => data.versions[i]?.name ?? 'error';

/** Tracks by version, as they are decoded. */
const decoded = [];

/** Decodes the audio at first use: the page is there before. */
let readiness = null;
function ready() {
  readiness ??= (async () => {
    byId('listen-status').textContent = 'Decoding …';
    await new Promise((go) => setTimeout(go));
    const { format, channels, rate } = data.audio;
    data.versions.forEach((_, i) => { decoded[i] ??= decode(byId(`audio-${i}`).textContent, format, channels); });
    player = new Player(decoded, rate);
    matchLevels();
  })();
  return readiness;
}

/** Gains that give every version the power of the first. */
function matchLevels() {
  const powers = decoded.map(meanSquare);
  player.matched = powers.map((p) => (p > 0 && powers[0] > 0 ? Math.sqrt(powers[0] / p) : 1));
  applyLevels();
  if (!blinded) byId('listen-status').textContent = matchedText();
}

function matchedText() {
  const db = player.matched.map((g) => decimal(20 * Math.log10(g), 2));
  return byId('match').checked ? `Gains for equal level: ${db.map((g, i) => `${sourceName(i)} ${g} dB`).join(', ')}.` : 'Levels as they are.';
}

function applyLevels() {
  data.versions.forEach((_, i) => player.setLevel(i, byId('match').checked ? player.matched[i] : 1));
  if (errorSource != null) player.setLevel(errorSource, 10 ** (Number(byId('error-gain').value) / 20));
}

/** Version minus reference, made of what is heard. */
function errorTracks(index) {
  const [reference, version] = [player.buffers[0], player.buffers[index]];
  return Array.from({ length: reference.numberOfChannels }, (_, c) => {
    const [x, y] = [reference.getChannelData(c), version.getChannelData(c)];
    return Float32Array.from(x, (v, i) => y[i] - v);
  });
}

async function hearError() {
  await ready();
  const of = player.selected > 0 && player.selected < data.versions.length ? player.selected : 1;
  if (errorSource == null) errorSource = player.add(errorTracks(of));
  else player.replace(errorSource, errorTracks(of));
  applyLevels();
  await hearSource(errorSource);
  byId('listen-status').textContent = `Error of ${sourceName(of)}, ${byId('error-gain').value} dB louder.`;
}

/** Switches to a source, and starts when nothing runs. */
async function hearSource(index) {
  await ready();
  player.select(index);
  if (!player.playing) await player.play();
  markSelected();
}

function markSelected() {
  data.versions.forEach((_, i) => byId(`hear-${i}`).setAttribute('aria-pressed', !blinded && player?.selected === i));
  byId('hear-error')?.setAttribute('aria-pressed', !blinded && errorSource != null && player.selected === errorSource);
  byId('play').textContent = player?.playing ? 'Stop' : 'Play';
}

/** During a blind test nothing on the page may tell which version runs. */
function blind(on) {
  blinded = on;
  byId('open-listening').disabled = on;
  if (byId('knobs')) byId('knobs').disabled = on;
  if (on) { player.stop(); byId('listen-status').textContent = 'Blind test: names are hidden.'; }
  markSelected();
}

/** Least and greatest sample of `n` stretches from `from` to `to` seconds of version `index`. */
function stretches(index, from, to, n) {
  const { overview } = data;
  const source = overview.versions[index];
  const low = new Array(n);
  const high = new Array(n);
  for (let i = 0; i < n; i += 1) {
    const a = Math.max(0, Math.floor((from + ((to - from) * i) / n) / overview.column_s));
    const b = Math.min(source.low.length, Math.max(a + 1, Math.ceil((from + ((to - from) * (i + 1)) / n) / overview.column_s)));
    [low[i], high[i]] = [null, null];
    for (let c = a; c < b; c += 1) {
      if (low[i] == null || source.low[c] < low[i]) low[i] = source.low[c];
      if (high[i] == null || source.high[c] > high[i]) high[i] = source.high[c];
    }
  }
  return [low, high];
}

function wavePlot(host) {
  const { overview } = data;
  const n = Math.min(1200, overview.versions[0].low.length);
  const end = overview.versions[0].low.length * overview.column_s;
  const x = Float64Array.from({ length: n }, (_, i) => ((i + 0.5) * end) / n);
  const shown = data.versions.length > 1 ? [0, data.versions.length - 1] : [0];
  const values = () => [x, ...shown.flatMap((v) => stretches(v, 0, end, n))];
  const series = () => shown.flatMap((v, k) => ['least', 'greatest'].map((word) => ({
    label: `${data.versions[v].name}, ${word}`, stroke: colour(INKS[k]), width: 1, points: { show: false },
    value: (_, s) => decimal(s, 4),
  })));
  const entry = makePlot(host, () => ({
    scales: { x: { time: false, min: 0, max: end, range: (_, low, high) => [low, high] } },
    series: [{ label: 'Time', value: (_, v) => (v == null ? '–' : `${decimal(v, 3)} s`) }, ...series()],
    bands: shown.map((_, k) => ({ series: [2 * k + 2, 2 * k + 1], fill: `${colour(INKS[k])}40` })),
    axes: [{ ...axisStyle(), label: 'Time (s)', size: 32 },
      { ...axisStyle(), label: 'Amplitude (FS)', size: 60, values: (_, s) => s.map((v) => decimal(v, s.length > 1 ? Math.max(0, Math.ceil(-Math.log10(s[1] - s[0]) - 1e-9)) : 2)) }],
  }), values, { x: [0, end] });
  const shift = data.audio?.start_s ?? 0;
  byId('loop-shown')?.addEventListener('click', async () => {
    await ready();
    player.setLoop(entry.plot.scales.x.min - shift, entry.plot.scales.x.max - shift);
    showLoop();
  });
}

function showLoop() {
  const start = data.audio.start_s;
  byId('loop-text').textContent = `Loop ${decimal(player.loop[0] + start, 2)} s to ${decimal(player.loop[1] + start, 2)} s`;
}

function setUpListening() {
  data.versions.forEach((_, i) => { byId(`hear-${i}`).onclick = () => hearSource(i); });
  byId('play').onclick = async () => {
    await ready();
    if (player.playing) player.stop(); else await player.play();
    markSelected();
  };
  byId('match').onchange = async () => { await ready(); applyLevels(); byId('listen-status').textContent = matchedText(); };
  if (byId('hear-error')) byId('hear-error').onclick = hearError;
  byId('error-gain')?.addEventListener('input', () => {
    byId('error-gain-text').textContent = `${byId('error-gain').value} dB`;
    if (player) applyLevels();
  });
  byId('loop-all').onclick = async () => { await ready(); player.setLoop(0, player.duration); showLoop(); };
  document.addEventListener('keydown', (event) => {
    if (blinded || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const index = Number(event.key) - 1;
    if (event.key !== ' ' && index >= 0 && index < data.versions.length) hearSource(index);
  });
}
