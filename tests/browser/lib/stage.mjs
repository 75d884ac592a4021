// What the tests of one file play on: a Karez of their own and a browser, both gone when the tests are over.

import { after, before } from 'node:test';

import { launch, person } from './browser.mjs';
import { startKarez } from './karez.mjs';

/** To be called once at the top of a file. `karez` is there when the first test begins. */
export function stage(options) {
  let browser;
  const on = {
    karez: undefined,
    /** Somebody with a browser context of their own (`person` in browser.mjs). */
    person: (who) => person(browser, on.karez.base, who),
  };
  before(async () => {
    on.karez = await startKarez(options);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await on.karez?.stop();
  });
  return on;
}
