// The browser of the tests: Chromium, or with BROWSER=firefox Debian's Firefox over WebDriver BiDi.
// CHROMIUM and FIREFOX name the programs.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import playwright from 'playwright-core';

export const isFirefox = process.env.BROWSER === 'firefox';

export async function launch() {
  if (isFirefox) {
    return playwright.firefox.launch({
      channel: 'moz-firefox',
      executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
      firefoxUserPrefs: { 'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0, 'app.update.enabled': false, 'browser.download.folderList': 2, 'browser.download.dir': mkdtempSync(join(tmpdir(), 'sqnr-saved-')) },
    });
  }
  return playwright.chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking'],
  });
}

/** A folder for screenshots: the one that the command line names, or a new one. */
export const shotsFolder = (named) => named ?? mkdtempSync(join(tmpdir(), 'sqnr-shots-'));

/** Opens `address`; every error in the console and every request that `allowed` does not know is a complaint. */
export async function open(browser, address, { allowed, complaints }, options = {}) {
  const page = await browser.newPage({ acceptDownloads: true, ...options });
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => { if (!allowed(request.url())) complaints.push(`request to ${request.url()}`); });
  await page.goto(address);
  return page;
}

/** The page has no sideways scrolling at any width, in either theme; a picture of each is kept. */
export async function fitsEveryWidth(openPage, shots, name) {
  for (const width of [360, 800, 1600]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await openPage({ viewport: { width, height: 800 }, colorScheme });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (beyond > 0) throw new Error(`${name}: ${beyond} px beyond the right edge at ${width} px`);
      await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      await page.close();
    }
  }
}
