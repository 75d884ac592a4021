// The main screens, one after the other, desktop and phone, in English and Chinese. With KAREZ_SCREENSHOTS set they become the
// pictures of the book.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { DESKTOP, PHONE, fits, picture } from './lib/browser.mjs';
import { OPERATOR, ROLES, firstOf } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();

/** Who sees it, where, and under which name the picture lies in the book. */
const SCREENS = [
  [undefined, 'sign-in', '/sign-in'],
  ['clinician', 'patients', '/patients'],
  ['clinician', 'patient', '/patients?q=Patigul', /^\/patients\/yarqum\/[^/?#]+$/],
  ['clinician', 'cases', '/cases'],
  ['clinician', 'import', '/import'],
  ['clinician', 'downtime', '/downtime'],
  ['coordinator', 'inbox', '/inbox'],
  ['coordinator', 'inbox-case', '/inbox', /^\/inbox\/[^/]+\/[^/?#]+/],
  ['consultant', 'worklist', '/worklist'],
  ['consultant', 'case', '/worklist', /^\/cases\/yarqum\/[^/?#]+$/],
  ['administrator', 'agreements', '/agreements'],
  ['administrator', 'agreement', '/agreements', /^\/agreements\/[0-9a-f-]{20,}$/],
  ['administrator', 'people', '/people'],
  ['administrator', 'audit', '/audit'],
  ['administrator', 'hospital', '/hospital'],
  ['patient', 'me', '/me'],
  ['patient', 'me-readers', '/me/readers'],
  ['operator', 'operator', '/operator'],
];

for (const [size, viewport] of [
  ['desktop', DESKTOP],
  ['phone', PHONE],
]) {
  for (const locale of ['en', 'zh-CN']) {
    test(`main screens, ${size}, ${locale}`, { timeout: 300_000 }, async () => {
      let someone;
      let as = null;
      for (const [role, name, path, then] of SCREENS) {
        if (!someone || role !== as) {
          await someone?.close();
          someone = await on.person({ login: role && (ROLES[role] ?? OPERATOR), viewport, locale });
          as = role;
        }
        const { page } = someone;
        assert.equal((await page.goto(path)).status(), 200, path);
        if (then) {
          const one = await firstOf(page, then);
          assert.ok(one, `${path} leads to nothing like ${then}`);
          assert.equal((await page.goto(one)).status(), 200, one);
        }
        await fits(page);
        await picture(page, `${name}-${size}-${locale.slice(0, 2)}`);
      }
      await someone?.close();
    });
  }
}
