// Chromium, signed-in contexts, accessibility and screenshots.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

import { PASSWORD } from './karez.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const images = new URL('../../../docs/images/', import.meta.url).pathname;

/** Desktop and phone as the book shows them. */
export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A context of its own: cookies of one person. Fails the test on a script error or a request to another origin. */
export async function person(browser, base, { login, choose, viewport = DESKTOP, locale = 'en' } = {}) {
  const context = await browser.newContext({
    baseURL: base,
    viewport,
    locale,
    timezoneId: 'Asia/Shanghai',
    acceptDownloads: true,
    ignoreHTTPSErrors: true,
  });
  // A machine that does other things beside needs more patience.
  context.setDefaultTimeout(Number(process.env.KAREZ_PATIENCE_MS ?? 15_000));
  await context.addCookies([{ name: 'lang', value: locale, url: base }]);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== base) faults.push(`foreign: ${url.origin}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 500) faults.push(`${response.status()}: ${new URL(response.url()).pathname}`);
  });
  if (login) await signIn(page, login, choose);
  return {
    context,
    page,
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** Signs in; `choose` names the hospital to act for, for somebody who works in several. */
export async function signIn(page, login, choose) {
  await page.goto('/sign-in');
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('form:has(input[name=password]) button:not([type=button])').first().click();
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  if (choose) {
    await page.goto('/choose');
    await page.locator(`[name=seat][value^="${choose}"]`).first().check();
    await page.locator('form:has([name=seat]) button:not([type=button])').first().click();
    await page.waitForURL((url) => url.pathname !== '/choose');
  }
}

/** Every rule of WCAG 2.2 AA that axe knows: nothing may be found. */
export async function accessible(page, where = page.url()) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return result.violations.map((v) => `${v.id}: ${v.help} — ${v.nodes.map((n) => n.target.join(' ')).slice(0, 4).join(' | ')}`);
  });
  assert.deepEqual(found, [], `accessibility of ${new URL(where).pathname}`);
}

/** No page is wider than the screen, whatever the screen. */
export async function fits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 1, `${new URL(page.url()).pathname} is ${over} px wider than the screen`);
}

/** A picture for the book, only when KAREZ_SCREENSHOTS is set: a test run leaves the tree as it was. */
export async function picture(page, name, { fullPage = false } = {}) {
  if (!process.env.KAREZ_SCREENSHOTS) return;
  mkdirSync(images, { recursive: true });
  const drawn = () => [...document.images].every((i) => i.complete || i.getBoundingClientRect().top > window.innerHeight);
  await page.waitForFunction(drawn, undefined, { timeout: 5_000 });
  await page.screenshot({ path: `${images}${name}.png`, fullPage, animations: 'disabled' });
}
