import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagePath } from './package.js';

export const LANGUAGES = ['typescript', 'javascript', 'go', 'assemblyscript', 'rust', 'c'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a new function is called by. */
export const TRIGGERS = ['http', 'event', 'cron'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** A file, or a directory, per language; a new function gets its own copy, so that it builds with no network. */
const SDK: Readonly<Record<Language, { from: string; to: string }>> = {
  typescript: { from: 'sdk/javascript/orama', to: 'orama' },
  javascript: { from: 'sdk/javascript/orama', to: 'orama' },
  go: { from: 'sdk/go/orama.go', to: 'orama/orama.go' },
  assemblyscript: { from: 'sdk/assemblyscript/assembly/orama.ts', to: 'assembly/orama.ts' },
  rust: { from: 'sdk/rust/src/lib.rs', to: 'src/orama.rs' },
  c: { from: 'sdk/c/orama.h', to: 'orama.h' },
};

/** A package.json with exports inside another package would be ignored there, and publint refuses it. */
const PACKAGED_MANIFEST = 'manifest.json';

/** Whether a language has a template for each way of being called, or the one template alone. */
export function hasTriggers(language: Language): boolean {
  return existsSync(join(templateOf(language), 'base'));
}

/** Writes a new function's files. Returns their paths, relative to its directory. */
export function writeTemplate(
  { language, trigger }: { language: Language; trigger: Trigger },
  name: string,
  directory: string,
): string[] {
  const template = templateOf(language);
  const parts = hasTriggers(language) ? [join(template, 'base'), join(template, trigger)] : [template];
  const written = parts.flatMap((part) => copyTemplate(part, name, directory));
  const { from, to } = SDK[language];
  cpSync(packagePath(from), join(directory, to), { recursive: true });
  if (existsSync(join(directory, to, PACKAGED_MANIFEST))) {
    renameSync(join(directory, to, PACKAGED_MANIFEST), join(directory, to, 'package.json'));
  }
  return [...written, to].sort();
}

function templateOf(language: Language): string {
  return fileURLToPath(new URL(`./templates/${language}/`, import.meta.url));
}

function copyTemplate(template: string, name: string, directory: string): string[] {
  const written: string[] = [];
  for (const entry of readdirSync(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = targetOf(relative(template, source));
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readFileSync(source, 'utf8').replaceAll('FUNCTION_NAME', name));
    written.push(path);
  }
  return written;
}

/** npm drops files called .gitignore from packages, so the template has it under another name. */
function targetOf(path: string): string {
  return path === 'gitignore' ? '.gitignore' : path;
}
