import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagePath } from './package.js';

export const LANGUAGES = ['go', 'assemblyscript', 'rust', 'c'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The SDK is one file per language; a new function gets its own copy, so that it builds with no network. */
const SDK: Readonly<Record<Language, { from: string; to: string }>> = {
  go: { from: 'sdk/go/orama.go', to: 'orama/orama.go' },
  assemblyscript: { from: 'sdk/assemblyscript/assembly/orama.ts', to: 'assembly/orama.ts' },
  rust: { from: 'sdk/rust/src/lib.rs', to: 'src/orama.rs' },
  c: { from: 'sdk/c/orama.h', to: 'orama.h' },
};

/** Writes a new function's files. Returns their paths, relative to its directory. */
export function writeTemplate(language: Language, name: string, directory: string): string[] {
  const template = fileURLToPath(new URL(`./templates/${language}/`, import.meta.url));
  const written: string[] = [];
  for (const entry of readdirSync(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = targetOf(source.slice(template.length));
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readFileSync(source, 'utf8').replaceAll('FUNCTION_NAME', name));
    written.push(path);
  }
  const { from, to } = SDK[language];
  mkdirSync(dirname(join(directory, to)), { recursive: true });
  copyFileSync(packagePath(from), join(directory, to));
  return [...written, to].sort();
}

/** npm drops files called .gitignore from packages, so the template has it under another name. */
function targetOf(path: string): string {
  return path === 'gitignore' ? '.gitignore' : path;
}
