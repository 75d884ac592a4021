// The first paint of a page needs the style sheet alone. On a slow line everything else would take half of it, so the
// rest is fetched once something is on the screen; a page in the background, which does not paint, waits a second.
let begun = false;
function begin(): void {
  if (begun) return;
  begun = true;
  void import('./app.ts');
  const viewer = document.querySelector<HTMLElement>('[data-viewer]');
  if (!viewer) return;
  void import('./viewer/quick.ts').then((m) => m.look(viewer)).catch(() => undefined);
  void import('./viewer/viewer.ts').then((m) => m.view(viewer));
}
requestAnimationFrame(() => setTimeout(begin));
setTimeout(begin, 1000);
