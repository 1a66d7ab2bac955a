import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagePath } from '../package.js';

export const LANGUAGES = ['typescript', 'javascript', 'go', 'assemblyscript', 'rust', 'c'] as const;
export type Language = (typeof LANGUAGES)[number];

/** How a new function is triggered. */
export const TRIGGERS = ['http', 'event', 'cron'] as const;
export type TriggerTemplate = (typeof TRIGGERS)[number];

/**
 * SDK files by language. Each new function gets its own copy, so that it builds without a network.
 */
const SDK: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  typescript: { 'sdk/javascript/orama': 'orama' },
  javascript: { 'sdk/javascript/orama': 'orama' },
  go: {
    'sdk/go/orama.go': 'orama/orama.go',
    'sdk/go/host.go': 'orama/host.go',
    'sdk/go/http.go': 'orama/http.go',
    'sdk/go/oramahttp/serve.go': 'orama/oramahttp/serve.go',
  },
  assemblyscript: { 'sdk/assemblyscript/assembly/orama.ts': 'assembly/orama.ts' },
  rust: {
    'sdk/rust/src/lib.rs': 'src/orama/mod.rs',
    'sdk/rust/src/http.rs': 'src/orama/http.rs',
    'sdk/rust/src/http_types.rs': 'src/orama/http_types.rs',
    'sdk/rust/src/json.rs': 'src/orama/json.rs',
  },
  c: { 'sdk/c/orama.h': 'orama.h' },
};

/** Import path of the SDK's Go packages, in the repository and in a function's copy. */
const GO_IMPORT = { from: '"orama/sdk-go"', to: '"function/orama"' };
/**
 * The package.json of the SDK is shipped under this name: npm ignores a package.json with exports
 * inside another package, and publint rejects it.
 */
const PACKAGED_MANIFEST = 'manifest.json';

/** Writes the files of a new function. Returns their paths relative to its directory. */
export function writeTemplate(
  { language, trigger }: { language: Language; trigger: TriggerTemplate },
  name: string,
  directory: string,
): string[] {
  const template = templateOf(language);
  const parts = [join(template, 'base'), join(template, trigger)];
  const written = parts.flatMap((part) => copyTemplate(part, name, directory));
  for (const [from, to] of Object.entries(SDK[language])) {
    cpSync(packagePath(from), join(directory, to), { recursive: true });
    if (to.endsWith('.go')) renameImport(join(directory, to));
    const manifest = join(directory, to, PACKAGED_MANIFEST);
    if (existsSync(manifest)) renameSync(manifest, join(directory, to, 'package.json'));
  }
  return [...written, ...Object.values(SDK[language])].sort();
}

function renameImport(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(GO_IMPORT.from, GO_IMPORT.to));
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

/** npm omits files named .gitignore from packages, so the template uses another name. */
function targetOf(path: string): string {
  return path === 'gitignore' ? '.gitignore' : path;
}
