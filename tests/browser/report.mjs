// Opens a report from disk in a browser and uses it: node report.mjs page.html [folder for screenshots]
// Exits with 1 and the reason when something is wrong.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';
import { fitsEveryWidth, isFirefox, launch, open as openIn, shotsFolder } from './browser.mjs';

const [file, named] = process.argv.slice(2);
const shots = shotsFolder(named);
const browser = await launch();
const complaints = [];
const watch = { complaints, allowed: (url) => /^(file|data|blob):/.test(url) };
const open = (options) => openIn(browser, pathToFileURL(file).href, watch, options);

const plotCount = (page) => page.locator('.plot .u-over').count();
const xScale = (page, i) => page.evaluate((k) => { const { min, max } = sqnr.plots[k].plot.scales.x; return [min, max]; }, i);

async function plotsZoomAndTell(page) {
  assert.ok(await plotCount(page) >= 2, 'plots are drawn');
  const over = page.locator('#plot-error .u-over');
  const index = await page.evaluate(() => sqnr.plots.findIndex((p) => p.host.id === 'plot-error'));
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForFunction(() => /dBFS\/Hz/.test(document.querySelector('#plot-error .u-legend').textContent));
  const before = await xScale(page, index);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  const dragged = await xScale(page, index);
  assert.ok(dragged[0] > before[0] && dragged[1] < before[1], 'dragging zooms');
  await page.locator('#plot-error .u-wrap').focus();
  await page.keyboard.press('0');
  assert.deepEqual(await xScale(page, index), before, '0 shows all');
  await page.keyboard.press('+');
  const keyed = await xScale(page, index);
  assert.ok(keyed[1] < before[1], '+ zooms');
  await page.keyboard.press('ArrowRight');
  assert.ok((await xScale(page, index))[0] > keyed[0], 'arrows move');
  await page.keyboard.press('0');
}

const shown = (page, id, key) => page.evaluate(([host, axis]) => {
  const { min, max } = sqnr.plots.find((p) => p.host.id === host).plot.scales[axis];
  return [min, max];
}, [id, key]);

/** What is drawn in the middle of a cell of a heat map is the colour of the value that is told there. */
async function tellsWhatItShows(page, box) {
  const [left, top] = await page.evaluate(() => {
    const { plot } = sqnr.plots.find((p) => p.host.id === 'heat-0-1');
    const panel = JSON.parse(document.getElementById('data').textContent).heat.charts[0][1];
    const middle = (key, share, cells) => {
      const [from, to] = panel[key];
      const { min, max } = plot.scales[key];
      const cell = Math.floor(((min + share * (max - min) - from) / (to - from)) * cells);
      return plot.valToPos(from + ((cell + 0.5) / cells) * (to - from), key);
    };
    return [middle('x', 0.37, panel.columns), middle('y', 0.21, panel.rows)];
  });
  await page.mouse.move(Math.round(box.x + left), Math.round(box.y + top));
  await page.waitForFunction(() => /\d s, .*Hz: .*dBFS/.test(document.querySelector('#heat-0-1 .told').textContent));
  const apart = await page.evaluate(() => {
    const { plot } = sqnr.plots.find((p) => p.host.id === 'heat-0-1');
    const { heat } = JSON.parse(document.getElementById('data').textContent);
    const [low, high] = heat.charts[0][1].range;
    const told = document.querySelector('#heat-0-1 .told').textContent.replace('\u2212', '-').match(/Hz: (-?[\d.]+)/)[1];
    const index = Math.round(1 + ((told - low) / (high - low)) * 254);
    const hex = heat.colours.slice(6 * index, 6 * index + 6);
    const scale = plot.bbox.width / plot.over.clientWidth;
    const at = [plot.bbox.left + plot.cursor.left * scale, plot.bbox.top + plot.cursor.top * scale].map(Math.floor);
    // Browsers place the edges of scaled cells a pixel apart.
    const drawn = plot.ctx.getImageData(at[0] - 1, at[1] - 1, 3, 3).data;
    const apartAt = (pixel) => Math.max(...[0, 1, 2].map((c) => Math.abs(drawn[4 * pixel + c] - parseInt(hex.slice(2 * c, 2 * c + 2), 16))));
    return Math.min(...Array.from({ length: 9 }, (_, pixel) => apartAt(pixel)));
  });
  assert.ok(apart <= 4, `the colour under the cursor is another: ${apart}`);
}

async function spectrogramsZoom(page) {
  const over = page.locator('#heat-0-1 .u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForFunction(() => /\d s, .*Hz: .*dBFS/.test(document.querySelector('#heat-0-1 .told').textContent));
  const ends = async (id) => [await shown(page, id, 'x'), await shown(page, id, 'y')];
  const all = await ends('heat-0-1');
  assert.deepEqual(all[1], [0, 22050], 'all frequencies');
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.7, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction((most) => sqnr.plots.find((p) => p.host.id === 'heat-0-0').plot.scales.y.max < most, all[1][1]);
  const dragged = await ends('heat-0-1');
  for (const axis of [0, 1]) assert.ok(dragged[axis][0] > all[axis][0] && dragged[axis][1] < all[axis][1], 'a drag zooms time and frequency');
  assert.deepEqual(await ends('heat-0-0'), dragged, 'all spectrograms show the same');
  await tellsWhatItShows(page, box);
  await page.locator('#heat-0-1 .u-wrap').focus();
  await page.keyboard.press('ArrowUp');
  await page.waitForTimeout(50);
  const up = await ends('heat-0-1');
  assert.ok(up[1][0] > dragged[1][0] && up[0][0] === dragged[0][0], 'arrows move');
  await page.keyboard.press('0');
  await page.waitForTimeout(50);
  assert.deepEqual(await ends('heat-0-1'), all, '0 shows all');
  await page.keyboard.press('f');
  await page.waitForTimeout(50);
  const low = await ends('heat-0-1');
  assert.ok(low[1][1] < all[1][1] && low[0][1] === all[0][1], 'f zooms frequency alone');
  await page.keyboard.press('0');
  if (!isFirefox) await fingersZoom(page);
}

/** Two fingers that part; Firefox has no touch events without a touch screen. */
async function fingersZoom(page) {
  await page.evaluate(() => {
    const { over } = sqnr.plots.find((p) => p.host.id === 'heat-0-1').plot;
    const { left, top } = over.getBoundingClientRect();
    const finger = (identifier, x, y) => new Touch({ identifier, target: over, clientX: left + x, clientY: top + y });
    const move = (gap) => over.dispatchEvent(new TouchEvent('touchmove', { touches: [finger(1, 200 - gap, 100), finger(2, 200 + gap, 100)], cancelable: true }));
    move(50);
    move(100);
    over.dispatchEvent(new TouchEvent('touchend', { touches: [] }));
  });
  await page.waitForTimeout(50);
  const [x, y] = [await shown(page, 'heat-0-1', 'x'), await shown(page, 'heat-0-1', 'y')];
  const total = await page.evaluate(() => sqnr.plots.find((p) => p.host.id === 'heat-0-1').limits.x[1]);
  assert.ok(Math.abs((x[1] - x[0]) / total - 0.5) < 0.01, `fingers twice as far apart: ${x} of ${total}`);
  assert.deepEqual(y, [0, 22050], 'they parted sideways only');
  await page.locator('#heat-0-1 .u-wrap').focus();
  await page.keyboard.press('0');
}

/** The error's histogram counts in the steps of each version, 8 and 4 bits; the codec's errors are of no step. */
async function errorsAreCountedInSteps(page) {
  const text = await page.locator('figure svg[aria-label^="Error in quantizer steps"]').textContent();
  for (const part of ['eight.wav', 'four.wav', '8\u00a0bits', '4\u00a0bits', 'Triangular dither', 'Error (Δ)']) assert.ok(text.includes(part), part);
  assert.ok(!text.includes('decoded_from'), 'the codec has no step');
}

/** What a click gives the browser to save. */
async function saved(page, button) {
  if (!isFirefox) {
    const [file] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
    return readFileSync(await file.path(), 'utf8');
  }
  // Over BiDi Firefox tells nobody of its downloads: what the page hands over is read instead.
  return page.evaluate((selector) => new Promise((tell) => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { URL.createObjectURL = make; blob.text().then(tell); return make(blob); };
    document.querySelector(selector).click();
  }), button);
}

async function switchesWithoutGap(page) {
  await page.click('#hear-0');
  await page.waitForFunction(() => sqnr.player?.playing);
  await page.waitForTimeout(300);
  const sources = await page.evaluate(() => { window.kept = sqnr.player.sources; return sqnr.player.sources.length; });
  assert.ok(sources >= 2);
  const at = await page.evaluate(() => sqnr.player.position());
  await page.click('#hear-1');
  await page.waitForTimeout(100);
  const after = await page.evaluate(() => ({
    same: window.kept === sqnr.player.sources, at: sqnr.player.position(), gains: sqnr.player.sources.map((s) => s.gain.gain.value),
  }));
  assert.ok(after.same, 'nothing is restarted when versions are switched');
  assert.ok(after.at > at, 'time goes on');
  assert.ok(after.gains[1] > 0 && after.gains[0] === 0, `only version 2 is heard: ${after.gains}`);
  await page.keyboard.press('1');
  assert.equal(await page.evaluate(() => sqnr.player.selected), 0, 'keys switch');
  await page.click('#hear-error');
  await page.waitForFunction(() => sqnr.player.buffers.length > document.querySelectorAll('[id^=hear-]').length - 1);
  await page.click('#play');
  assert.equal(await page.evaluate(() => sqnr.player.playing), false);
}

/**
 * The page's own player, rendered without a sound card: three versions that hold the same ramp, so that whatever is heard
 * and whenever it is switched or replaced, sample n must be the ramp's. A gap, a restart or a slip of one sample shows.
 */
async function switchesWithinTheSample(page) {
  const worst = await page.evaluate(async () => {
    const [rate, n] = [48000, 48000];
    const context = new OfflineAudioContext(1, n, rate);
    const ramp = () => [Float32Array.from({ length: n }, (_, i) => (i + 1) / n)];
    const player = new sqnr.Player([ramp(), ramp(), ramp()], rate, context);
    player.startedAt = 0;
    player.sources = player.buffers.map((_, i) => player.start(i, 0));
    const at = (frame, action) => context.suspend(frame / rate).then(() => { action(); context.resume(); });
    at(12800, () => player.select(1));
    at(19200, () => player.select(2));
    at(25600, () => player.replace(2, ramp()));
    at(38400, () => player.select(0));
    const heard = (await context.startRendering()).getChannelData(0);
    let [worst, where] = [0, 0];
    heard.forEach((x, i) => { const apart = Math.abs(x - (i + 1) / n); if (apart > worst) [worst, where] = [apart, i]; });
    return { worst, where, step: 1 / n };
  });
  // Rounding of gains in single precision while they cross; one sample off would be a whole step.
  assert.ok(worst.worst < 0.3 * worst.step, `at sample ${worst.where} the sound is off by ${worst.worst / worst.step} samples`);
}

/** What reaches the loudspeakers is the version's own samples, at its own gain, sample by sample. */
async function decodesExactly(page) {
  const difference = await page.evaluate(() => {
    const [a, b] = [sqnr.player.buffers[0], sqnr.player.buffers.at(-2)];
    const codes = b.getChannelData(0).map((x) => x * 2 ** 11);
    return { whole: codes.every((c) => c === Math.round(c)), length: a.length === b.length };
  });
  assert.deepEqual(difference, { whole: true, length: true });
}

async function abxCounts(page) {
  await page.fill('#abx-n', '10');
  await page.click('#abx-start');
  for (let trial = 0; trial < 10; trial += 1) {
    await page.click('#abx-play-x');
    await page.click('#abx-play-a');
    const x = await page.evaluate(() => sqnr.abx.x);
    const answer = trial < 9 ? x : x === 'A' ? 'B' : 'A';
    await page.click(`#abx-answer-${answer.toLowerCase()}`);
  }
  const text = await page.textContent('#abx-status');
  // 11 of 1024 ways of guessing get 9 or 10 of 10.
  assert.match(text, /9 of 10 right, p = 0\.0107/);
  const result = JSON.parse(await saved(page, '#abx-json'));
  assert.equal(result.right, 9);
  assert.ok(Math.abs(result.p_value - 11 / 1024) < 1e-12);
  assert.equal((await saved(page, '#abx-csv')).trim().split('\r\n').length, 11);
  const p = await page.evaluate(() => [sqnr.binomialP(0, 10), sqnr.binomialP(10, 10), sqnr.binomialP(12, 16)]);
  assert.ok(Math.abs(p[0] - 1) < 1e-12 && p[1] === 2 ** -10 && Math.abs(p[2] - 2517 / 65536) < 1e-12);
}

async function ratingRanks(page) {
  await page.click('#rating-start');
  await page.waitForFunction(() => sqnr.rating);
  const sources = await page.evaluate(() => sqnr.rating.items.map((i) => i.source));
  for (const [i, source] of sources.entries()) {
    const slider = page.locator('#rating-items input').nth(i);
    await slider.evaluate((node, v) => { node.value = v; node.dispatchEvent(new Event('input')); }, 100 - 10 * source);
  }
  assert.ok(!/reference/i.test(await page.locator('.rating').allTextContents().then((t) => t.join())), 'items have no names');
  await page.click('#rating-finish');
  const rows = await page.locator('#rating-result tr').allTextContents();
  assert.match(rows[0], /^hidden reference .*100$/);
  assert.match(rows.at(-1), /^anchor/);
}

/** Chromium runs its audio clock without a sound device; Firefox does not. */
const hasSound = async (page) => !isFirefox || page.evaluate(() => Promise.race([
  new AudioContext().resume().then(() => true), new Promise((tell) => setTimeout(() => tell(false), 20000)),
]));

try {
  const page = await open({ viewport: { width: 1200, height: 900 } });
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  await plotsZoomAndTell(page);
  await spectrogramsZoom(page);
  await errorsAreCountedInSteps(page);
  // Firefox cannot stop a rendering to switch in it (OfflineAudioContext.suspend); what follows it does.
  if (!isFirefox) await switchesWithinTheSample(page);
  const sound = await hasSound(page);
  if (sound) {
    await switchesWithoutGap(page);
    await decodesExactly(page);
    await abxCounts(page);
    await ratingRanks(page);
  }
  await page.close();
  await fitsEveryWidth(open, shots, 'report');
  assert.deepEqual(complaints, [], 'no errors in the console, no requests');
  const left = sound ? '' : ', listening left out: no sound device for this browser';
  console.log(`report: ok${left}, first paint after ${Math.round(paint)} ms, screenshots in ${shots}`);
} finally {
  await browser.close();
}
