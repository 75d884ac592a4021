// The steps of the main job, each by the person whose step it is. Fields are found by name and forms by address, so that the
// same steps run in every language.

import assert from 'node:assert/strict';

import { accessible, fits } from './browser.mjs';
import { PASSWORD } from './karez.mjs';

/** Presses the button of a form and waits for the page it leads to. */
export async function submit(page, form, { button = 'button:not([type=button])', last = false } = {}) {
  const buttons = page.locator(`${form} ${button}`);
  const one = last ? buttons.last() : buttons.first();
  await Promise.all([page.waitForLoadState('load'), page.waitForNavigation(), one.click()]);
  assert.ok(!(await page.locator('.errors, [role=alert] .error').count()), `errors on ${page.url()}: ${await page.locator('main').innerText()}`);
}

export async function looksRight(page) {
  await accessible(page);
  await fits(page);
}

/** Imports a file as a new patient; gives the patient's address. */
export async function importPatient(page, name, bytes) {
  await page.goto('/import');
  await looksRight(page);
  await page.locator('main input[type=file]').first().setInputFiles({ name, mimeType: 'application/fhir+json', buffer: bytes });
  await submit(page, 'main form:has(input[type=file])');
  await looksRight(page);
  await page.locator('[name=decision][value=new]').check();
  await submit(page, 'main form:has([name=decision])');
  await page.waitForURL(/\/patients\//);
  return new URL(page.url()).pathname;
}

/** Starts a case and goes through its six steps; gives the case's address. */
export async function ask(page, patient, words, { partner, specialty, consentLanguage, abroad = false, picture }) {
  await page.goto(patient);
  await looksRight(page);
  await submit(page, `form[action="${patient}/cases"]`);
  await looksRight(page);

  const next = (form) => submit(page, form, { button: 'button[value=next]' });
  await page.locator('[name=question]').fill(words.question);
  await page.locator('[name=background]').fill(words.background);
  await page.locator('[name=urgency][value=urgent]').check();
  await next('form[action$="/edit/question"]');

  await looksRight(page);
  await page.locator(`[name=offer][value*="|${partner}|"][value$="|${specialty}"]`).first().check();
  await next('form[method=post][action$="/edit/service"]');

  await looksRight(page);
  for (const box of await page.locator('[name=class]').all()) await box.check();
  await next('form[action$="/edit/record"]');

  await looksRight(page);
  await page.locator('main input[type=file]').setInputFiles({ name: 'trace.png', mimeType: 'image/png', buffer: picture });
  await submit(page, 'form[action$="/files"][enctype]');
  await looksRight(page);
  await next('form[action$="/edit/files"]:has(button[value=next])');

  await looksRight(page);
  await page.locator('[name=method][value=signature]').check();
  await page.locator('[name=language]').selectOption(consentLanguage);
  if (abroad) await page.locator('[name=across-border]').check();
  await next('form[action$="/edit/consent"]');

  await looksRight(page);
  await submit(page, 'form[action$="/send"]');
  await looksRight(page);
  const address = new URL(page.url()).pathname.match(/^\/cases\/[^/]+\/[^/]+/)?.[0];
  assert.ok(address, page.url());
  return address;
}

export async function fillAndSubmit(page, path, form, fields) {
  await page.goto(path);
  await looksRight(page);
  for (const [name, value] of Object.entries(fields)) await page.locator(`main ${form} [name="${name}"]`).first().fill(value);
  await submit(page, `main ${form}`);
}

/** Writes, signs with the password, and gives the address of the signed opinion. */
export async function sign(page, address, words) {
  await page.goto(`${address}/opinion`);
  for (const name of ['findings', 'assessment', 'advice']) await page.locator(`[name=${name}]`).fill(words[name]);
  await submit(page, 'form[action$="/opinion/sign"]', { button: 'button[value=keep]' });
  await page.goto(`${address}/opinion/sign`);
  await looksRight(page);
  const changed = page.locator('[name=seen-changes]');
  if (await changed.count()) await changed.check();
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page, 'form[action$="/opinion/sign"]', { button: 'button[value=signed]' });
  await page.waitForURL(/\/answers\//);
  return new URL(page.url()).pathname;
}

/** A critical finding is raised on the report's page, and the report signed as final. */
export async function raiseAndSign(page, finding) {
  await page.locator('[data-dialog=critical]').click();
  await page.locator('[name=critical]').fill(finding);
  await page.waitForFunction(() => document.querySelector('[data-draft-status]').textContent.trim() !== '');
  await submit(page, 'form[action$="/critical"]');
  await page.locator('[data-dialog=sign]').click();
  await page.locator('#sign input[name=password]').fill(PASSWORD);
  await Promise.all([page.waitForURL(/\/reports\//), page.locator('#sign button[value=final]').click()]);
  await accessible(page);
}

/** The finding of a reading has come to the open page by itself; the answer to it is given there. */
export async function acknowledge(page, reading, answer) {
  const form = `form[action^="${reading}/critical/"]`;
  await page.locator(form).first().waitFor();
  await accessible(page);
  await page.locator(`${form} [name=answer]`).first().fill(answer);
  await submit(page, form);
}
