// Every page that a role's navigation leads to, and one thing of each list: nothing for axe to find, nothing wider than
// the screen, in both languages, on desktop and phone.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, accessible, fits } from './lib/browser.mjs';
import { ROLES, firstOf, navigation } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();

for (const [locale, viewport, name] of [
  ['en', DESKTOP, 'desktop, English'],
  ['zh-CN', PHONE, 'phone, Chinese'],
]) {
  test(`public pages: ${name}`, async () => {
    const someone = await on.person({ viewport, locale });
    for (const path of ['/sign-in', '/styleguide']) {
      const answer = await someone.page.goto(path);
      assert.equal(answer.status(), 200, path);
      await accessible(someone.page);
      await fits(someone.page);
    }
    await someone.close();
  });

  for (const [role, login] of Object.entries(ROLES)) {
    test(`${role}: ${name}`, async () => {
      const someone = await on.person({ login, viewport, locale });
      const { page } = someone;
      await page.goto('/');
      const seen = new Set();
      const waiting = [new URL(page.url()).pathname, ...(await navigation(page))];
      while (waiting.length) {
        const path = waiting.shift();
        if (seen.has(path)) continue;
        seen.add(path);
        const answer = await page.goto(path);
        assert.equal(answer.status(), 200, path);
        assert.equal(await page.locator('html').getAttribute('lang'), locale, path);
        await accessible(page, page.url());
        await fits(page);
        if (path.split('/').length === 2) {
          const one = await firstOf(page, new RegExp(`^${path}/[^?#]*[0-9][^?#]*$`));
          if (one) waiting.push(one);
        }
      }
      assert.ok(seen.size >= 3, `${role} reached ${[...seen]}`);
      await someone.close();
    });
  }
}
