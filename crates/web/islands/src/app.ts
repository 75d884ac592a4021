// What every page loads. Pages work without it; this makes them live.
import htmx from 'htmx.org';
import 'htmx.org/dist/ext/hx-sse.js';
import { watchLine } from './line.ts';
import { keepDrafts } from './drafts.ts';
import { comforts } from './comforts.ts';

// The server's policy forbids inline styles; the indicator is styled by our own sheet.
htmx.config.includeIndicatorCSS = false;

watchLine();
keepDrafts();
comforts();
if (document.querySelector('[data-words-of]')) void import('./phrases.ts').then((m) => m.phraseWords());
if (document.querySelector('[data-regions]')) void import('./regions.ts').then((m) => m.regions());
if (document.querySelector('[data-passkey]')) void import('./passkey.ts').then((m) => m.passkeys());
