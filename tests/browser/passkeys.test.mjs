// Passkeys with Chromium's own virtual authenticator: made, used alone, used after the password, used to sign again.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { signIn } from './lib/browser.mjs';
import { looksRight, submit } from './lib/job.mjs';
import { PASSWORD } from './lib/karez.mjs';
import { stage } from './lib/stage.mjs';

const LOGIN = 'gulnar@qumtagh.example';

// Browsers make passkeys for names, not for numbers.
const on = stage({ host: 'localhost' });

/** A device that verifies its user and keeps its keys itself. */
async function device(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verified: (is) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: is }),
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
  };
}

async function signOut(page) {
  await page.context().clearCookies({ name: 'karez' });
}

test('a passkey is made, signs in alone and after a password, and proves again who is there', { timeout: 120_000 }, async () => {
  const one = await on.person({ login: LOGIN });
  const { page } = one;
  const phone = await device(page);

  await page.goto('/profile');
  await looksRight(page);
  await page.goto('/profile/passkeys/new');
  await looksRight(page);
  await page.locator('[name=name]').fill('Blue key 7');
  const make = page.locator('[data-passkey] button');
  await Promise.all([page.waitForNavigation(), make.click()]);
  assert.equal(await page.locator('ul.codes li').count(), 10, 'recovery codes, for when the phone is lost');
  assert.equal((await phone.credentials()).length, 1);
  await page.goto('/profile');
  await looksRight(page);
  assert.ok(await page.locator('#passkeys', { hasText: 'Blue key 7' }).count());

  // Alone.
  await signOut(page);
  await page.goto('/sign-in');
  await looksRight(page);
  await Promise.all([
    page.waitForURL((url) => !url.pathname.startsWith('/sign-in')),
    page.locator('form[action="/sign-in/passkey"] button').click(),
  ]);
  await page.goto('/profile');
  assert.ok(await page.locator('main', { hasText: LOGIN }).count());

  // After the password.
  await signOut(page);
  await page.goto('/sign-in');
  await page.locator('input[name=login]').fill(LOGIN);
  await page.locator('input[name=password]').fill(PASSWORD);
  await submit(page, 'form[action="/sign-in"]');
  assert.ok(page.url().includes('/sign-in/code'), page.url());
  await looksRight(page);
  await Promise.all([
    page.waitForURL((url) => !url.pathname.startsWith('/sign-in')),
    page.locator('[data-passkey] button').click(),
  ]);

  // Again, where a password would be asked.
  await page.goto('/profile');
  await page.locator('#passkeys a[href^="/profile/passkeys/"]:not([href$="/new"])').click();
  await looksRight(page);

  // Nobody at the device: nothing is given, and the page says so.
  await phone.verified(false);
  const remove = page.locator('form[action$="/remove"] [data-passkey]');
  await remove.locator('button').click();
  await remove.locator('[role=alert]').waitFor({ state: 'visible' });
  await phone.verified(true);
  await Promise.all([page.waitForURL((url) => url.pathname === '/profile'), remove.locator('button').click()]);
  assert.equal(await page.locator('#passkeys', { hasText: 'Blue key 7' }).count(), 0);

  // The browser still holds it; the node takes it no more.
  await signOut(page);
  await page.goto('/sign-in');
  await Promise.all([page.waitForNavigation(), page.locator('form[action="/sign-in/passkey"] button').click()]);
  assert.ok(page.url().includes('/sign-in'));
  await looksRight(page);
  await signIn(page, LOGIN);
  await one.close();
});
