// Small comforts over plain HTML: dialogs instead of pages, a busy mark on what was pressed, files by dropping,
// clocks that keep counting. Each has a way that needs no script.

function dialogs(): void {
  document.addEventListener('click', (e) => {
    const opener = (e.target as Element).closest<HTMLElement>('[data-dialog]');
    if (!opener) return;
    const dialog = document.getElementById(opener.dataset['dialog'] ?? '');
    if (dialog instanceof HTMLDialogElement) {
      e.preventDefault();
      dialog.showModal();
    }
  });
  document.addEventListener('click', (e) => {
    const closer = (e.target as Element).closest<HTMLElement>('[data-close]');
    const dialog = closer?.closest('dialog');
    if (dialog) {
      e.preventDefault();
      dialog.close();
    }
  });
  // A dialog that came back with an error stands open again.
  document.querySelectorAll<HTMLDialogElement>('dialog[data-open]').forEach((d) => d.showModal());
}

function busy(): void {
  document.addEventListener('submit', (e) => {
    if (e.defaultPrevented) return;
    const button = (e as SubmitEvent).submitter;
    if (button) button.setAttribute('aria-busy', 'true');
  });
  window.addEventListener('pageshow', () => {
    document.querySelectorAll('button[aria-busy]').forEach((b) => b.removeAttribute('aria-busy'));
  });
}

function drops(): void {
  document.querySelectorAll<HTMLElement>('.drop').forEach((zone) => {
    const input = zone.querySelector<HTMLInputElement>('input[type=file]');
    const names = zone.querySelector<HTMLElement>('[data-names]');
    if (!input) return;
    const show = () => {
      if (names) names.textContent = [...(input.files ?? [])].map((f) => f.name).join(', ');
    };
    input.addEventListener('change', show);
    zone.addEventListener('dragover', (e) => { e.preventDefault(); zone.dataset['over'] = ''; });
    zone.addEventListener('dragleave', () => { delete zone.dataset['over']; });
    zone.addEventListener('drop', (e) => {
      e.preventDefault();
      delete zone.dataset['over'];
      if (e.dataTransfer?.files.length) {
        input.files = e.dataTransfer.files;
        show();
      }
    });
  });
}

function submitOnChange(): void {
  document.addEventListener('change', (e) => {
    const field = e.target as HTMLElement;
    if (field.matches('[data-go]')) field.closest('form')?.requestSubmit();
  });
}

// Templates fill only what is still empty: what somebody wrote is never overwritten.
function templates(): void {
  document.addEventListener('change', (e) => {
    const select = e.target;
    if (!(select instanceof HTMLSelectElement) || !select.matches('[data-template]')) return;
    const chosen = select.selectedOptions[0];
    const form = select.form;
    if (!chosen || !form) return;
    for (const [name, text] of Object.entries(chosen.dataset)) {
      const field = form.elements.namedItem(name);
      if (field instanceof HTMLTextAreaElement && text && field.value.trim() === '') {
        field.value = text;
        field.dispatchEvent(new Event('input', { bubbles: true }));
      }
    }
  });
}

// A phrase chosen from a list goes where one was writing in that form, or into the field the list names.
function phrases(): void {
  let last: HTMLTextAreaElement | undefined;
  document.addEventListener('focusin', (e) => {
    if (e.target instanceof HTMLTextAreaElement) last = e.target;
  });
  document.addEventListener('change', (e) => {
    const select = e.target;
    if (!(select instanceof HTMLSelectElement) || !select.matches('[data-phrase]') || !select.value) return;
    const named = select.form?.elements.namedItem(select.dataset['phrase'] ?? '');
    const field = last && last.form === select.form ? last : named;
    if (!(field instanceof HTMLTextAreaElement)) return;
    const at = field === last ? field.selectionEnd : field.value.length;
    const before = field.value.slice(0, at);
    const gap = before === '' || /\s$/.test(before) ? '' : ' ';
    field.setRangeText(gap + select.value, at, at, 'end');
    select.value = '';
    field.focus();
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

export function comforts(): void {
  dialogs();
  busy();
  drops();
  submitOnChange();
  templates();
  phrases();
  document.querySelector<HTMLElement>('.problems:not(.guide *)')?.focus();
}
