// The line under the bar is the live connection: it breaks when the connection does, and says so in words.
const root = document.documentElement;

function say(down: boolean): void {
  if (down === (root.dataset['line'] === 'down')) return;
  if (down) root.dataset['line'] = 'down';
  else delete root.dataset['line'];
  const note = document.getElementById('line-note');
  if (note) note.textContent = (down ? note.dataset['down'] : note.dataset['up']) ?? '';
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
  // The session has ended: what is on the screen is no longer ours to show.
  document.addEventListener('ended', () => location.reload());
  window.addEventListener('offline', () => { wasDown = true; say(true); });
}
