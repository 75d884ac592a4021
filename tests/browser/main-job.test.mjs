// The main job with two hospitals in two browser contexts: a record is imported, a question sent under an agreement, read,
// answered and signed, acted on, and told how it turned out. In English and in Chinese.

import { before, test } from 'node:test';
import assert from 'node:assert/strict';

import { signIn } from './lib/browser.mjs';
import { ask, fillAndSubmit, importPatient, looksRight, sign, submit } from './lib/job.mjs';
import { arrivingBundle } from './lib/karez.mjs';
import { stage } from './lib/stage.mjs';
import { WORDS } from './lib/words.mjs';

const on = stage();
let bundle;

before(() => {
  bundle = arrivingBundle();
});

/** The smallest PNG there is: one grey point. */
const POINT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);

const RUNS = {
  en: { referrer: 'tursun@yarqum.example', spoken: 'ug' },
  'zh-CN': { referrer: 'zhao@yarqum.example', spoken: 'zh' },
};

for (const [locale, { referrer, spoken }] of Object.entries(RUNS)) {
  test(`from an imported record to its outcome (${locale})`, { timeout: 300_000 }, async (t) => {
    const words = WORDS[locale];
    const home = await on.person({ login: referrer, locale });
    const centre = await on.person({ login: 'gulnar@qumtagh.example', locale });
    let patient;
    let address;
    let answer;

    await t.test('the referring doctor imports the record', async () => {
      // The second run brings another person in: the same bundle would be recognised.
      const other = locale === 'en' ? bundle : Buffer.from(bundle.toString().replaceAll('TG-0143311', 'TG-0143999'));
      patient = await importPatient(home.page, 'record.json', other);
      await looksRight(home.page);
    });

    await t.test('asks a question with parts of the record, a file and consent', async () => {
      address = await ask(home.page, patient, words, {
        partner: 'qumtagh',
        specialty: 'cardiology',
        consentLanguage: spoken,
        picture: POINT,
      });
    });

    await t.test('the coordinator asks for more and gets it', async () => {
      await centre.page.goto('/inbox');
      await looksRight(centre.page);
      assert.ok((await centre.page.locator('main').innerText()).includes(words.question.slice(0, 20)));
      await fillAndSubmit(centre.page, `${address}/ask`, 'form[action$="/ask"]', { 'ask-text': words.asked });
      await fillAndSubmit(home.page, `${address}/supply`, 'form[action$="/supply"]', { 'supply-text': words.supplied });
    });

    await t.test('accepts it and gives it to a cardiologist', async () => {
      await centre.page.goto(address);
      await looksRight(centre.page);
      assert.ok((await centre.page.locator('main').innerText()).includes(words.supplied));
      if (await centre.page.locator('form[action$="/accept"]').count()) {
        await submit(centre.page, 'form[action$="/accept"]');
        await centre.page.goto(address);
      }
      const who = centre.page.locator('form[action$="/allocate"] [name=consultant]');
      const sun = await who.locator('option', { hasText: /Sun Min|孙敏/ }).first().getAttribute('value');
      await who.selectOption(sun);
      await submit(centre.page, 'form[action$="/allocate"]');
      await centre.context.clearCookies();
      await centre.context.addCookies([{ name: 'lang', value: locale, url: on.karez.base }]);
    });

    await t.test('the consultant reads, writes a message that arrives, and signs', async () => {
      await signIn(centre.page, 'sunmin@qumtagh.example');
      await centre.page.goto('/worklist');
      await looksRight(centre.page);
      assert.ok(await centre.page.locator(`a[href="${address}"]`).count(), 'the case is on the worklist');
      await home.page.goto(address);
      await centre.page.goto(address);
      await looksRight(centre.page);
      await centre.page.locator('form[action$="/messages"] [name=text]').fill(words.message);
      await submit(centre.page, 'form[action$="/messages"]');
      // The other side's page is open: the message comes by itself.
      await home.page.locator('#thread', { hasText: words.message }).waitFor({ timeout: 5_000 });
      await home.page.locator('form[action$="/messages"] [name=text]').fill(words.reply);
      await submit(home.page, 'form[action$="/messages"]');
      answer = await sign(centre.page, address, words);
      await looksRight(centre.page);
    });

    await t.test('the referring doctor reads it, keeps it as PDF and as a sealed file, and acts', async () => {
      await home.page.goto(address);
      await home.page.locator(`main a[href="${answer}"]`).first().click();
      await home.page.waitForURL(`**${answer}`);
      await looksRight(home.page);
      assert.ok((await home.page.locator('article').first().innerText()).includes(words.assessment));
      for (const language of [locale, 'ru', 'ar']) {
        const pdf = await home.context.request.get(`${answer}/pdf/${language}`);
        assert.equal(pdf.status(), 200, language);
        assert.equal((await pdf.body()).subarray(0, 5).toString(), '%PDF-');
      }
      const file = await home.context.request.get(`${answer}/file`);
      assert.equal(JSON.parse(await file.text()).format, 'karez-sealed-file');
      await home.page.locator('[name=plan]').fill(words.plan);
      await submit(home.page, 'form[action$="/act"]');
    });

    await t.test('and weeks later the consultant hears how it turned out', async () => {
      await home.page.goto(`${address}/outcome`);
      await looksRight(home.page);
      await home.page.locator('[name=management][value=changed]').check();
      await home.page.locator('[name=diagnosis][value=confirmed]').check();
      await home.page.locator('[name=patient][value=improved]').check();
      await home.page.locator('[name=outcome-text]').fill(words.outcome);
      await submit(home.page, 'main form[action$="/outcome"]');
      await centre.page.goto(address);
      assert.ok((await centre.page.locator('main').innerText()).includes(words.outcome));
      await submit(centre.page, 'form[action$="/outcome-seen"]');
    });

    await t.test('and nothing about the patient is in the log', async () => {
      const secrets = JSON.parse(bundle).entry.find((e) => e.resource.resourceType === 'Patient').resource;
      const log = on.karez.log();
      for (const secret of [words.question, words.advice, secrets.name[0].text, secrets.identifier[1].value]) {
        assert.ok(!log.includes(secret), 'patient data in the log');
      }
    });

    await home.close();
    await centre.close();
  });
}
