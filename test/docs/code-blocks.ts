import { readFileSync } from 'node:fs';
import { globSync } from 'tinyglobby';

export interface CodeBlock {
  /** Position such as `docs/cli.md:12`. */
  place: string;
  language: string;
  /** Why a test cannot run the block; null if it can. */
  notRun: string | null;
  text: string;
}

const FENCE = /^```(\w*)([^\n]*)\n([\s\S]*?)^```$/gm;

/** Returns every fenced block of the documentation. */
export function codeBlocks(): CodeBlock[] {
  const pages = ['README.md', ...globSync('docs/*.md').sort()];
  return pages.flatMap((page) => {
    const content = readFileSync(page, 'utf8');
    return [...content.matchAll(FENCE)].map(({ index, 1: language = '', 2: info = '', 3: text = '' }) => ({
      place: `${page}:${content.slice(0, index).split('\n').length}`,
      language,
      notRun: info.includes('signatures')
        ? 'made from the sources of the SDKs'
        : (/not-run="([^"]{10,})"/.exec(info)?.[1] ?? null),
      text,
    }));
  });
}
