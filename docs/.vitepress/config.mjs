import { readFileSync } from 'node:fs';

/** Pages in the order in which they are read; a page that is not here fails the build's check. */
export const SECTIONS = [
  ['Guides', ['functions', 'javascript', 'http-functions', 'projects', 'rollouts', 'console', 'ci']],
  ['Coming from', ['migrating', 'from-lambda', 'from-openfaas', 'from-cloudflare-workers']],
  ['Running it', ['operations', 'security', 'performance', 'releasing']],
  ['Reference', ['cli', 'http-api', 'settings', 'delivery', 'errors', 'host-functions', 'sdk']],
];

/** The page's own first heading, without code marks. */
function titleOf(page) {
  const [, title = page] =
    /^# (.+)$/m.exec(readFileSync(new URL(`../${page}.md`, import.meta.url), 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

/**
 * What a link leads to outside of docs/ is in the repository and not in the guide: only its text
 * stays.
 */
function leaveOutRepositoryLinks(md) {
  md.core.ruler.push('repository-links', ({ tokens }) => {
    for (const { children } of tokens) {
      if (children === null) continue;
      let isInside = false;
      for (const token of children) {
        if (token.type === 'link_open' && token.attrGet('href')?.startsWith('../')) isInside = true;
        if (!isInside) continue;
        if (token.type === 'link_close') isInside = false;
        if (token.type.startsWith('link_')) {
          token.type = token.nesting === 1 ? 'em_open' : 'em_close';
          token.tag = 'em';
          token.attrs = null;
        }
      }
    }
  });
}

export default {
  title: 'Orama Functions',
  description: 'A self-hosted, event-driven function engine: WASM functions on a persistent queue.',
  lang: 'en',
  base: '/docs/guide/',
  outDir: '../dist/guide',
  cacheDir: '../dist/.guide-cache',
  // Its hash map in a file of its own, not in the page: the engine's policy allows only the scripts
  // that it knows by their hashes.
  metaChunk: true,
  lastUpdated: false,
  markdown: { config: leaveOutRepositoryLinks },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: SECTIONS.map(([text, pages]) => ({
      text,
      items: pages.map((page) => ({ text: titleOf(page), link: `/${page}` })),
    })),
  },
};
