// The line under the bar is the live connection: it breaks when the connection does, and says so in words.
const root = document.documentElement;

function say(down: boolean): void {
  if (down === (root.dataset['line'] === 'down')) return;
  if (down) root.dataset['line'] = 'down';
  else delete root.dataset['line'];
  const note = document.getElementById('line-note');
  if (note) note.textContent = (down ? note.dataset['down'] : note.dataset['up']) ?? '';
}

/** Takes everything off the screen at once, then asks for the page anew: the server says in words why it is closed. */
function close(): void {
  document.body.replaceChildren();
  location.reload();
}

export function watchLine(): void {
  let wasDown = false;
  document.addEventListener('htmx:sse:error', () => { wasDown = true; say(true); });
  document.addEventListener('htmx:sse:before:connection', (e) => {
    const attempt = (e as CustomEvent).detail?.connection?.attempt ?? 0;
    if (attempt > 1) { wasDown = true; say(true); }
  });
  document.addEventListener('htmx:sse:after:connection', () => {
    say(false);
    // What was missed while the line was down is fetched again, not guessed.
    if (wasDown) document.getElementById('live')?.dispatchEvent(new CustomEvent('caught-up', { bubbles: true }));
    wasDown = false;
  });
  // Access has ended while the page was open: ask for the whole page again, which then says why.
  document.addEventListener('htmx:before:response', (e) => {
    const status: number = (e as CustomEvent).detail?.ctx?.response?.status ?? 0;
    if (status === 401 || status === 403 || status === 404 || status === 410) {
      e.preventDefault();
      location.reload();
    }
  });
  // The session has ended: what is on the screen is no longer ours to show.
  document.addEventListener('ended', close);
  // A part that was woken is refused: the agreement or consent it rested on has ended, and with it the page.
  document.addEventListener('htmx:response:error', (e) => {
    const ctx = (e as CustomEvent).detail?.ctx;
    if (ctx?.request?.method === 'GET' && [401, 403, 404, 410].includes(ctx?.response?.status)) close();
  });
  window.addEventListener('offline', () => { wasDown = true; say(true); });
}
