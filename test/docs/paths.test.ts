import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { globSync } from 'tinyglobby';

/** Matches paths of the repository in code spans, such as `src/core/invocations/invoke.ts`. */
const NAMED = /`((?:src|workers|queues|db|console|scripts|test|docs|sdk|examples|bench)\/[\w./{},-]*)`/g;
const LINKED = /\]\((?!https?:|#|mailto:)([^)#\s]+)/g;

for (const page of globSync(['*.md', 'docs/*.md', '!CHANGELOG.md'])) {
  test(`every file named or linked in ${page} exists`, (t) => {
    const text = readFileSync(page, 'utf8');
    const named = [...text.matchAll(NAMED)].flatMap(([, path = '']) => alternatives(path));
    const linked = [...text.matchAll(LINKED)].map(([, path = '']) => join(dirname(page), path));
    t.deepEqual(
      [...named, ...linked].filter((path) => !existsSync(path)),
      [],
    );
  });
}

/** Expands `a/{b,c}` to two paths. */
function alternatives(path: string): string[] {
  const [, before, inner, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (inner === undefined) return [path];
  return inner.split(',').flatMap((part) => alternatives(`${before}${part}${after}`));
}
