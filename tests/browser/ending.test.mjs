// An agreement that is suspended takes effect at once, also on a page that is open.

import { test } from 'node:test';
import assert from 'node:assert/strict';

import { looksRight, submit } from './lib/job.mjs';
import { firstOf } from './lib/roles.mjs';
import { stage } from './lib/stage.mjs';

const on = stage();

/** The address of the agreement with this number, from the list. */
async function agreement(page, number) {
  await page.goto('/agreements');
  const link = page.locator('main a[href^="/agreements/"]', { hasText: number }).first();
  const row = page.locator('main tr, main li, main article', { hasText: number }).locator('a[href^="/agreements/"]').first();
  return (await link.count()) ? link.getAttribute('href') : row.getAttribute('href');
}

test('an open case is closed within a second of the agreement’s suspension', { timeout: 120_000 }, async (t) => {
  const consultant = await on.person({ login: 'sokolova@saryozen.example' });
  const administrator = await on.person({ login: 'adil-yarqum@yarqum.example', choose: 'yarqum' });

  await consultant.page.goto('/worklist');
  const address = await firstOf(consultant.page, /^\/cases\/yarqum\/[^/?#]+$/);
  await consultant.page.goto(address);
  const question = 'Biopsy now, or treat for TB first?';
  const shown = () => consultant.page.locator('main', { hasText: question });
  assert.equal(await shown().count(), 1, 'the case is on the screen');
  await consultant.page.waitForTimeout(500); // the live line opens after the page is drawn

  const one = await agreement(administrator.page, 'YS-2026-015');
  await administrator.page.goto(`${one}/suspend`);
  await looksRight(administrator.page);
  await administrator.page.locator('main form[action$="/suspend"] [name=reason]').fill('The licence register is being checked.');
  const began = Date.now();
  const gone = consultant.page
    .locator('main', { hasText: question })
    .waitFor({ state: 'detached', timeout: 5_000 })
    .then(() => Date.now());
  await submit(administrator.page, 'main form[action$="/suspend"]');
  const took = (await gone) - began;
  t.diagnostic(`closed ${took} ms after the administrator pressed the button`);
  assert.ok(took <= 1_000, `the page stayed open for ${took} ms`);

  const again = await consultant.page.goto(address);
  assert.ok([403, 404].includes(again.status()), `${again.status()}`);
  assert.ok(!(await consultant.page.content()).includes(question), 'nothing of the case is told');
  await looksRight(consultant.page);
  await consultant.close();
  await administrator.close();
});
