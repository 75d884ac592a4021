// One person of each role on the demonstration network, and the pages their navigation leads to.

export const ROLES = {
  clinician: 'tursun@yarqum.example',
  coordinator: 'gulnar@qumtagh.example',
  consultant: 'sokolova@saryozen.example',
  administrator: 'liuyang@qumtagh.example',
  patient: 'memet-patigul@patient.example',
};

/** Runs the node; its navigation is not a role's. */
export const OPERATOR = 'operator@qumtagh.example';

/** Addresses of the page's own navigation, without signing out. */
export async function navigation(page) {
  const links = await page.locator('header nav a[href^="/"], nav a[href^="/"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  return [...new Set(links.map((l) => l.split('#')[0]))].filter((l) => l && !l.startsWith('/sign-out'));
}

/** The first link in the main part that leads to one thing of a list. */
export async function firstOf(page, pattern) {
  const links = await page.locator('main a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  return links.find((l) => pattern.test(l));
}
