// <form data-draft="/address"> keeps what is being written: sent to the server a moment after typing stops.
// The server's answer says when it was kept; while it cannot be reached the text stays in the form and we try again.
const quiet_ms = 1500;
const retry_ms = 5000;

function keep(form: HTMLFormElement): void {
  const address = form.dataset['draft'];
  const status = form.querySelector<HTMLElement>('[data-draft-status]');
  if (!address || !status) return;
  let timer = 0;
  let sent = '';
  let running = false;

  const body = () => new URLSearchParams(
    [...new FormData(form)].filter((p): p is [string, string] => typeof p[1] === 'string'),
  ).toString();
  const later = (ms: number) => { clearTimeout(timer); timer = window.setTimeout(send, ms); };

  async function send(): Promise<void> {
    const now = body();
    if (running || now === sent) return;
    running = true;
    try {
      const answer = await fetch(address!, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'hx-request': 'true' },
        body: now,
        keepalive: now.length < 60_000,
      });
      status!.textContent = answer.ok ? await answer.text() : status!.dataset['refused'] ?? '';
      if (answer.ok) {
        sent = now;
        status!.dataset['k'] = 'ok';
      } else {
        status!.dataset['k'] = 'stop';
      }
    } catch {
      status!.textContent = status!.dataset['failed'] ?? '';
      status!.dataset['k'] = 'warn';
      later(retry_ms);
    } finally {
      running = false;
      if (body() !== now) later(quiet_ms);
    }
  }

  sent = body();
  form.addEventListener('input', () => later(quiet_ms));
  form.addEventListener('change', () => later(200));
  document.addEventListener('visibilitychange', () => { if (document.hidden) void send(); });
}

export function keepDrafts(): void {
  const find = () => document.querySelectorAll<HTMLFormElement>('form[data-draft]:not([data-kept])').forEach((form) => {
    form.dataset['kept'] = '';
    keep(form);
  });
  find();
  document.addEventListener('htmx:after:swap', find);
}
