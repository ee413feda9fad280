// Opens a report from disk in Chromium and uses it: node report.mjs page.html [folder for screenshots]
// CHROMIUM names the browser, /usr/bin/chromium otherwise. Exits with 1 and the reason when something is wrong.

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [file, shots = mkdtempSync(join(tmpdir(), 'report-'))] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking'],
});
const complaints = [];

async function open(options) {
  const page = await browser.newPage({ acceptDownloads: true, ...options });
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) complaints.push(m.text()); });
  page.on('pageerror', (e) => complaints.push(String(e)));
  page.on('request', (r) => { if (!/^(file|data|blob):/.test(r.url())) complaints.push(`request to ${r.url()}`); });
  await page.goto(pathToFileURL(file).href);
  return page;
}

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
  const [saved] = await Promise.all([page.waitForEvent('download'), page.click('#abx-json')]);
  const result = JSON.parse(readFileSync(await saved.path(), 'utf8'));
  assert.equal(result.right, 9);
  assert.ok(Math.abs(result.p_value - 11 / 1024) < 1e-12);
  const [table] = await Promise.all([page.waitForEvent('download'), page.click('#abx-csv')]);
  assert.equal(readFileSync(await table.path(), 'utf8').trim().split('\r\n').length, 11);
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

async function fits(width, colorScheme) {
  const page = await open({ viewport: { width, height: 800 }, colorScheme });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `no sideways scrolling at ${width} px (${wide})`);
  await page.screenshot({ path: join(shots, `${width}-${colorScheme}.png`), fullPage: true });
  await page.close();
}

try {
  const page = await open({ viewport: { width: 1200, height: 900 } });
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  await plotsZoomAndTell(page);
  await switchesWithoutGap(page);
  await decodesExactly(page);
  await abxCounts(page);
  await ratingRanks(page);
  await page.close();
  for (const width of [360, 800, 1600]) for (const theme of ['light', 'dark']) await fits(width, theme);
  assert.deepEqual(complaints, [], 'no errors in the console, no requests');
  console.log(`ok, first paint after ${Math.round(paint)} ms, screenshots in ${shots}`);
} finally {
  await browser.close();
}
