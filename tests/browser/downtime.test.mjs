// Down is planned for: the pack on paper, a late entry that says so; and what an administrator and the operator of the network
// do on their own pages.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, accessible, fits } from './lib/browser.mjs';
import { submit } from './lib/job.mjs';
import { ROLES, firstOf } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();

async function good(page, path) {
  const answer = await page.goto(path);
  assert.equal(answer.status(), 200, path);
  await accessible(page, page.url());
  await fits(page);
}

/** A PDF that the page offers, as the browser would fetch it. */
async function pdf(page, link) {
  const href = await page.locator(link).first().getAttribute('href');
  const answer = await page.request.get(href);
  assert.equal(answer.status(), 200, href);
  assert.equal((await answer.body()).subarray(0, 5).toString(), '%PDF-');
}

for (const [locale, viewport] of [
  ['en', DESKTOP],
  ['zh-CN', PHONE],
]) {
  test(`pack and late entry, ${locale}`, { timeout: 120_000 }, async () => {
    const clinician = await on.person({ login: ROLES.clinician, viewport, locale });
    const { page } = clinician;
    await good(page, '/downtime');
    assert.ok((await page.locator('main article').count()) > 3, 'open cases are on it');
    await pdf(page, `main a[href="/downtime/pdf/${locale}"]`);

    await page.goto('/patients');
    const patient = await firstOf(page, /^\/patients\/yarqum\/[^/?#]+$/);
    await good(page, `${patient}/late`);
    const hourAgo = new Date(Date.now() - 3_600_000 + 8 * 3_600_000).toISOString().slice(0, 16);
    const form = 'main form[action$="/late"]';
    await page.locator(`${form} [name=happened]`).fill(hourAgo);
    await page.locator(`${form} [name=reason]`).selectOption('power-cut');
    await page.locator(`${form} [name=title]`).fill(`Paper ${locale}`);
    await page.locator(`${form} [name=text]`).fill('Temperature 38.4, fluids begun.');
    await submit(page, form);
    const entry = page.locator('main .timeline li', { hasText: `Paper ${locale}` });
    assert.equal(await entry.locator('.chip').count(), 1, 'the time line says that it is late');
    await entry.locator('a').first().click();
    await accessible(page, page.url());
    await clinician.close();
  });

  test(`the hospital is changed on its page, ${locale}`, async () => {
    const administrator = await on.person({ login: ROLES.administrator, viewport, locale });
    const { page } = administrator;
    await good(page, '/hospital/edit');
    const form = 'main form[action="/hospital/edit"]';
    await page.locator(`${form} [name="name-en"]`).fill('');
    await page.locator(`${form} button.primary`).click();
    await page.locator('#name-en-error').waitFor();
    await page.goto('/hospital/edit');
    await page.locator(`${form} [name=city]`).fill(`Qumtagh (${locale})`);
    await submit(page, form);
    assert.ok((await page.locator('main').innerText()).includes(`Qumtagh (${locale})`));
    await page.goto('/agreements');
    const one = await firstOf(page, /^\/agreements\/[0-9a-f-]{20,}$/);
    await page.goto(one);
    await pdf(page, `main a[href$="/pdf/${locale}"]`);
    await administrator.close();
  });

  test(`the operator sees parts, nodes and work, ${locale}`, async () => {
    const operator = await on.person({ login: 'operator@qumtagh.example', viewport, locale });
    const { page } = operator;
    await good(page, '/operator');
    const status = page.locator('#status');
    assert.equal(await status.locator('section').count(), 4);
    assert.ok((await status.locator('section').nth(3).locator('tbody tr').count()) >= 8, 'every job is there');
    assert.ok(!(await status.innerText()).includes('fact-'), 'every fact has its words');
    await operator.close();
  });
}
