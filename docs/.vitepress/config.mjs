import { readFileSync } from 'node:fs';

/** Pages in reading order. A test fails for a page that is missing here. */
export const SECTIONS = [
  [
    'Guides',
    ['functions', 'javascript', 'http-functions', 'delivery', 'projects', 'rollouts', 'ci', 'console'],
  ],
  ['Operations', ['operations', 'security', 'performance']],
  ['Reference', ['cli', 'http-api', 'settings', 'errors', 'host-functions', 'sdk']],
  ['Migration', ['migrating', 'from-lambda', 'from-openfaas', 'from-cloudflare-workers']],
  ['Project', ['releasing']],
];

/** The page's own first heading, without code marks. */
function titleOf(page) {
  const [, title = page] =
    /^# (.+)$/m.exec(readFileSync(new URL(`../${page}.md`, import.meta.url), 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

/** Links out of docs/ lead to files that the guide does not contain, so only their text is kept. */
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
  // Puts the hash map into its own file: the engine's content security policy allows only scripts
  // whose hashes it knows.
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
