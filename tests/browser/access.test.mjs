// The pages where an administrator decides who and what comes in and goes out: sign-in provider, keys, machines, webhooks,
// imaging machines; and the list of studies that wait for a clinician.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { PHONE } from './lib/browser.mjs';
import { looksRight, submit } from './lib/job.mjs';
import { PASSWORD } from './lib/karez.mjs';
import { ROLES } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const ADMINISTRATOR = { login: 'adil-yarqum@yarqum.example', choose: 'yarqum' };

const on = stage();

for (const locale of ['en', 'zh-CN']) {
  test(`every such page is right on a phone and on a desk: ${locale}`, { timeout: 120_000 }, async () => {
    for (const viewport of [PHONE, undefined]) {
      const one = await on.person({ ...ADMINISTRATOR, locale, ...(viewport && { viewport }) });
      const pages = ['/hospital', '/hospital/sign-in', '/hospital/keys/rotate', '/hospital/machines/new', '/hospital/webhooks/new', '/hospital/imaging', '/hospital/imaging/new'];
      for (const address of pages) {
        await one.page.goto(address);
        await looksRight(one.page);
      }
      await one.page.goto('/hospital');
      await one.page.locator('a[href$="/revoke"]').first().click();
      await looksRight(one.page);
      await one.close();
    }
  });
}

test('a webhook is registered, its secret shown once, paused and removed', { timeout: 120_000 }, async () => {
  const one = await on.person(ADMINISTRATOR);
  const { page } = one;
  await page.goto('/hospital/webhooks/new');
  await page.locator('[name=name]').fill('Laboratory');
  await page.locator('[name=url]').fill('https://127.0.0.1/hook');
  await page.locator('[name=topics][value=case]').check();
  await Promise.all([page.waitForNavigation(), page.locator('form[action$="/webhooks/new"] button').click()]);
  assert.ok(await page.locator('.problems').count(), 'a private address is refused');
  await looksRight(page);
  await page.locator('[name=url]').fill('https://receiver.example/hook');
  await submit(page, 'form[action$="/webhooks/new"]');
  assert.match(await page.locator('main code').innerText(), /^whsec_/);
  await looksRight(page);
  await page.locator('main a.btn.primary').click();
  await looksRight(page);
  const act = (word) => submit(page, `form:has(input[name=act][value=${word}])`);
  await act('pause');
  await looksRight(page);
  await act('resume');
  await act('secret');
  assert.match(await page.locator('main code').innerText(), /^whsec_/);
  await page.locator('main a.btn.primary').click();
  await looksRight(page);
  await act('remove');
  assert.equal(new URL(page.url()).pathname, '/hospital');
  await one.close();
});

test('a provider that does not answer is not set, and the password is asked', { timeout: 120_000 }, async () => {
  const one = await on.person(ADMINISTRATOR);
  const { page } = one;
  await page.goto('/hospital/sign-in');
  await page.locator('[name=issuer]').fill('https://id.nowhere.invalid');
  await page.locator('[name=client-id]').fill('karez');
  await page.locator('form[action="/hospital/sign-in"] [name=password]').fill(PASSWORD);
  await Promise.all([page.waitForNavigation(), page.locator('form[action="/hospital/sign-in"] button.primary').click()]);
  assert.ok(await page.locator('.problems').count());
  await looksRight(page);
  await one.close();
});

test('a key that may be in other hands is revoked, and another signs', { timeout: 120_000 }, async () => {
  const one = await on.person(ADMINISTRATOR);
  const { page } = one;
  await page.goto('/hospital');
  await page.locator('a[href$="/revoke"]').first().click();
  await page.locator('[name=reason]').selectOption('key-compromise');
  await page.locator('[name=since]').fill('2026-01-15');
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page, 'form[action$="/revoke"]');
  assert.equal(new URL(page.url()).pathname, '/hospital');
  await looksRight(page);
  const answer = await page.request.get('/keys/yarqum');
  const { keys } = await answer.json();
  assert.equal(keys.length, 2);
  assert.equal(keys[0].revoked.reason, 'key-compromise');
  assert.ok(keys[0].revoked.since.startsWith('2026-01-1'));
  assert.equal(keys[1].revoked, undefined);
  await one.close();
});

for (const locale of ['en', 'zh-CN']) {
  test(`the list of studies that wait is right on a phone and on a desk: ${locale}`, { timeout: 60_000 }, async () => {
    for (const viewport of [PHONE, undefined]) {
      const one = await on.person({ login: ROLES.clinician, locale, ...(viewport && { viewport }) });
      await one.page.goto('/studies/waiting');
      await looksRight(one.page);
      await one.close();
    }
  });
}
