// Rating of several versions after ITU-R BS.1534 (MUSHRA): open reference, hidden reference and a 3.5 kHz anchor among
// the unnamed items, 0 to 100 each.

const ANCHOR_HZ = 3500;
let rating = null;

/** The reference through a steep low-pass. */
async function anchorTracks(buffer) {
  const offline = new OfflineAudioContext(buffer.numberOfChannels, buffer.length, buffer.sampleRate);
  const source = offline.createBufferSource();
  source.buffer = buffer;
  // Quality factors of a Butterworth filter of order 8: 1 / (2 cos((2 k + 1) pi / 16)), in dB as Web Audio wants them.
  let node = source;
  for (let k = 0; k < 4; k += 1) {
    const filter = offline.createBiquadFilter();
    filter.type = 'lowpass';
    filter.frequency.value = Math.min(ANCHOR_HZ, buffer.sampleRate * 0.45);
    filter.Q.value = 20 * Math.log10(1 / (2 * Math.cos(((2 * k + 1) * Math.PI) / 16)));
    node = node.connect(filter);
  }
  node.connect(offline.destination);
  source.start();
  const low = await offline.startRendering();
  return Array.from({ length: low.numberOfChannels }, (_, c) => low.getChannelData(c));
}

async function startRating() {
  await ready();
  if (player.anchor == null) {
    player.anchor = player.add(await anchorTracks(player.buffers[0]));
    player.levels[player.anchor] = player.levels[0];
  }
  const items = data.versions.map((v, i) => ({ source: i, name: i === 0 ? `hidden reference (${v.name})` : v.name }));
  items.push({ source: player.anchor, name: `anchor (low-pass ${ANCHOR_HZ / 1000} kHz)` });
  rating = { items: shuffled(items).map((item) => ({ ...item, score: null })), started: new Date().toISOString() };
  blind(true);
  const rows = rating.items.map((item, i) => {
    const output = element('output', {}, '–');
    const slider = element('input', { type: 'range', min: 0, max: 100, value: 50, 'aria-label': `Score of item ${i + 1}`,
      oninput: (event) => { item.score = Number(event.target.value); output.textContent = item.score; } });
    const play = element('button', { type: 'button', onclick: () => hearSource(item.source) }, `Item ${i + 1}`);
    return element('div', { class: 'rating' }, play, slider, output);
  });
  byId('rating-items').replaceChildren(
    element('p', { class: 'muted' }, '100 excellent, 80 good, 60 fair, 40 poor, 20 bad. One of the items is the reference: give it 100.'),
    element('div', { class: 'row' }, element('button', { type: 'button', onclick: () => hearSource(0) }, 'Reference')), ...rows);
  byId('rating-finish').disabled = false;
  byId('rating-result').replaceChildren();
}

const ranked = () => [...rating.items].sort((a, b) => (b.score ?? -1) - (a.score ?? -1));

function finishRating() {
  const open = rating.items.filter((item) => item.score == null).length;
  if (open > 0) {
    byId('rating-result').textContent = `${open} of ${rating.items.length} items have no score yet.`;
    return;
  }
  player.stop();
  blind(false);
  byId('rating-finish').disabled = true;
  const hidden = rating.items.find((item) => item.source === 0);
  const note = hidden.score < 90
    ? 'The hidden reference got less than 90: by BS.1534 this rating would be left out.'
    : 'The hidden reference was recognised.';
  const body = element('tbody', {}, ...ranked().map((item) => element('tr', {}, element('td', {}, item.name), element('td', {}, String(item.score)))));
  const result = { schema: 1, test: 'rating', started: rating.started, items: ranked().map(({ name, score }) => ({ name, score })) };
  byId('rating-result').replaceChildren(element('p', {}, note), element('table', {}, body), element('div', { class: 'row' },
    element('button', { type: 'button', onclick: () => download('rating.json', 'application/json', JSON.stringify(result, null, 1)) }, 'Save as JSON'),
    element('button', { type: 'button', onclick: () => download('rating.csv', 'text/csv', csv([['name', 'score'], ...result.items.map((r) => [r.name, r.score])])) }, 'Save as CSV')));
}

function setUpRating() {
  byId('rating-start').onclick = startRating;
  byId('rating-finish').onclick = finishRating;
}
