// <div data-passkey="/challenge" data-kind="get|create"> inside a form: asks the authenticator and sends the form with its
// answer (Web Authentication Level 3). Fetched only by pages that hold such an element.

type Json = Record<string, unknown>;

function bytes(text: string): ArrayBuffer {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer | null): string | null {
  if (!buffer) return null;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** Ids arrive as base64url and are asked for as bytes (§5.1.8 to §5.1.9). */
function descriptors(list: unknown): PublicKeyCredentialDescriptor[] {
  return ((list ?? []) as Json[]).map((d) => ({ type: 'public-key', id: bytes(d['id'] as string) }));
}

async function create(options: Json): Promise<Json | null> {
  const user = options['user'] as Json;
  const made = (await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options['challenge'] as string),
      user: { ...user, id: bytes(user['id'] as string) },
      excludeCredentials: descriptors(options['excludeCredentials']),
    } as unknown as PublicKeyCredentialCreationOptions,
  })) as PublicKeyCredential | null;
  if (!made) return null;
  const response = made.response as AuthenticatorAttestationResponse;
  return answer(made, {
    attestationObject: text(response.attestationObject),
    clientDataJSON: text(response.clientDataJSON),
  });
}

async function get(options: Json): Promise<Json | null> {
  const given = (await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options['challenge'] as string),
      allowCredentials: descriptors(options['allowCredentials']),
    } as unknown as PublicKeyCredentialRequestOptions,
  })) as PublicKeyCredential | null;
  if (!given) return null;
  const response = given.response as AuthenticatorAssertionResponse;
  return answer(given, {
    authenticatorData: text(response.authenticatorData),
    clientDataJSON: text(response.clientDataJSON),
    signature: text(response.signature),
    userHandle: text(response.userHandle),
  });
}

function answer(credential: PublicKeyCredential, response: Json): Json {
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, extensions: {} };
}

async function run(place: HTMLElement, form: HTMLFormElement): Promise<void> {
  const field = (name: string) => place.querySelector<HTMLInputElement>(`input[name="${name}"]`)!;
  const token = form.querySelector<HTMLInputElement>('input[name=csrf]')?.value ?? '';
  const asked = await fetch(place.dataset['passkey']!, {
    method: 'POST',
    headers: { 'x-csrf-token': token, 'hx-request': 'true' },
  });
  if (!asked.ok) throw new Error(`challenge: ${asked.status}`);
  const { ceremony, options } = (await asked.json()) as { ceremony: string; options: { publicKey: Json } };
  const ask = place.dataset['kind'] === 'create' ? create : get;
  const credential = await ask(options.publicKey);
  if (!credential) throw new Error('no credential');
  field('passkey-ceremony').value = ceremony;
  field('passkey-credential').value = JSON.stringify(credential);
  // The passkey does instead of what else would be asked.
  if (place.dataset['kind'] === 'get') {
    form.querySelectorAll<HTMLInputElement>('input[name=password], input[name=code]').forEach((i) => { i.required = false; });
  }
  const main = form.querySelector<HTMLButtonElement>('button.primary:not([type=button]), button.danger:not([type=button])');
  form.requestSubmit(main ?? undefined);
}

function begin(place: HTMLElement): void {
  const form = place.closest('form');
  const button = place.querySelector<HTMLButtonElement>('button[type=button]');
  const problem = place.querySelector<HTMLElement>('[role=alert]');
  if (!form || !button || !problem) return;
  button.parentElement!.hidden = false;
  button.addEventListener('click', async () => {
    // A passkey is not made before the form has what it needs.
    if (place.dataset['kind'] === 'create' && !form.reportValidity()) return;
    button.setAttribute('aria-busy', 'true');
    problem.hidden = true;
    try {
      await run(place, form);
    } catch {
      problem.textContent = place.dataset['failed'] ?? '';
      problem.hidden = false;
    } finally {
      button.removeAttribute('aria-busy');
    }
  });
}

export function passkeys(): void {
  if (!('PublicKeyCredential' in window)) return;
  document.querySelectorAll<HTMLElement>('[data-passkey]').forEach(begin);
}
