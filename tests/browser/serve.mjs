// Turns the knobs of a live page: node serve.mjs ADDRESS EXPECTED.json [folder for screenshots]
// EXPECTED.json: [{"knobs": {"method": "uniform", "bits": 6, ...}, "snr_db": 31.2}, ...] from the command line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fitsEveryWidth, launch, open as openIn, shotsFolder } from './browser.mjs';

const [address, expectedFile, named] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedFile, 'utf8'));
const shots = shotsFolder(named);
const browser = await launch();
const complaints = [];
const own = new URL(address).origin;
const watch = { complaints, allowed: (url) => url.startsWith(`${own}/`) || /^(data|blob):/.test(url) };
const open = (options) => openIn(browser, address, watch, options);
const settled = (page, answers) => page.waitForFunction((n) => sqnr.live.answers > n, answers, { timeout: 60000 });

/** Sets knobs in one go, so that no answer to some of them comes between, and waits for the answer to all. */
async function turn(page, knobs) {
  const before = await page.evaluate((wanted) => {
    const answers = sqnr.live.answers;
    const turned = Object.entries(wanted).map(([key, value]) => {
      const node = document.getElementById(`knob-${key}`);
      node.value = value;
      return node;
    });
    for (const node of turned) node.dispatchEvent(new Event('input'));
    return answers;
  }, knobs);
  await settled(page, before);
  return page.evaluate(() => ({ status: document.getElementById('live-status').textContent, result: sqnr.live.result, ms: sqnr.live.answered_ms }));
}

const snrOf = (result) => result.figures.find((f) => f.key === 'snr_db').value;

async function knobsGiveTheCommandLinesFigures(page) {
  assert.ok(!/keeps an SNR/.test(await page.textContent('#summary')), 'no sentence that the knobs leave behind');
  for (const { knobs, snr_db } of expected) {
    const { status, result } = await turn(page, knobs);
    assert.equal(snrOf(result), snr_db, `${JSON.stringify(knobs)}: ${status}`);
    const shown = await page.locator('#summary tr[data-key="snr_db"] td').last().textContent();
    assert.equal(shown.replace('\u2212', '-'), snr_db.toFixed(2), 'the table shows it');
    assert.match(status, new RegExp(`SNR ${snr_db.toFixed(2).replace('.', '\\.')} dB`));
  }
}

/** The new output sounds at once, where the old one stood; the reference goes on untouched. */
async function soundFollows(page) {
  await turn(page, { method: 'uniform', bits: 4, dither: 'none' });
  await page.click('#hear-1');
  await page.waitForFunction(() => sqnr.player?.playing);
  await page.evaluate(() => { window.reference = sqnr.player.sources[0]; window.output = sqnr.player.sources[1]; });
  const at = await page.evaluate(() => sqnr.player.position());
  await turn(page, { bits: 2 });
  const after = await page.evaluate(() => ({
    kept: sqnr.player.sources[0] === window.reference, replaced: sqnr.player.sources[1] !== window.output,
    playing: sqnr.player.playing, at: sqnr.player.position(),
    levels: new Set(sqnr.player.buffers[1].getChannelData(0)).size,
  }));
  assert.ok(after.kept && after.replaced && after.playing, JSON.stringify(after));
  assert.ok(after.at !== at, 'time goes on');
  assert.ok(after.levels <= 4, `2 bits have 4 levels, not ${after.levels}`);
  await page.click('#play');
}

/** Only what the method takes can be turned. */
async function knobsFollowTheMethod(page) {
  const enabled = () => page.evaluate(() => [...document.querySelectorAll('[data-knob]')].filter((k) => !k.disabled).map((k) => k.dataset.knob));
  await turn(page, { method: 'codec' });
  assert.deepEqual(await enabled(), ['method', 'quality']);
  await turn(page, { method: 'mu-law' });
  assert.deepEqual(await enabled(), ['method', 'bits', 'shape']);
}

try {
  const page = await open({ viewport: { width: 1200, height: 900 } });
  await settled(page, 0);
  await knobsGiveTheCommandLinesFigures(page);
  await soundFollows(page);
  await knobsFollowTheMethod(page);
  const times = [];
  for (const bits of [3, 5, 7, 9, 11]) times.push((await turn(page, { method: 'uniform', bits, dither: 'tpdf' })).ms);
  await page.close();
  const settledPage = async (options) => { const opened = await open(options); await settled(opened, 0); return opened; };
  await fitsEveryWidth(settledPage, shots, 'serve');
  assert.deepEqual(complaints, [], 'no errors in the console, no request to others');
  times.sort((a, b) => a - b);
  console.log(`serve: ok, from knob to page ${Math.round(times[2])} ms (median of 5), screenshots in ${shots}`);
} finally {
  await browser.close();
}
