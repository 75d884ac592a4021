// The viewer's words come from the server with the page: one place for every language.
let words: Record<string, string> = {};

export function learn(json: string | undefined): void {
  words = json ? (JSON.parse(json) as Record<string, string>) : {};
}

/** The words of `key`, with `{name}` filled in. */
export function say(key: string, values: Record<string, string | number> = {}): string {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

export const figure = (n: number, places = 0) => n.toLocaleString(document.documentElement.lang, {
  minimumFractionDigits: places, maximumFractionDigits: places,
});
