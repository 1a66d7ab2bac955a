import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';

/**
 * An engine that `orama up` started on this machine, as the files in its data directory show it.
 */
export interface LocalEngine {
  url: string;
  adminKey: string;
  dataDir: string;
}

const noteSchema = z.object({ url: z.string(), data_dir: z.string(), started_at: z.string() });

/**
 * The engine of a data directory; undefined when there is none or its files are not ours to read.
 */
export function readEngine(dataDir: string): LocalEngine | undefined {
  const url = readText(join(dataDir, 'url'));
  const adminKey = readText(join(dataDir, 'admin-key'));
  return url && adminKey ? { url, adminKey, dataDir } : undefined;
}

/**
 * A data directory of this name in the directory or in one above it, as git finds its repository.
 */
export function engineAbove(directory: string, name: string): LocalEngine | undefined {
  const engine = readEngine(resolve(directory, name));
  const parent = dirname(directory);
  return engine ?? (parent === directory ? undefined : engineAbove(parent, name));
}

/**
 * Engines noted by `rememberEngine`, the last started first. The notes hold no key: that stays in
 * the data directory.
 */
export function rememberedEngines(notes: string): LocalEngine[] {
  let names: string[];
  try {
    names = readdirSync(notes);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const note = noteSchema.safeParse(parseJson(readText(join(notes, name))));
      return note.success ? [note.data] : [];
    })
    .sort((a, b) => b.started_at.localeCompare(a.started_at))
    .flatMap((note) => {
      const engine = readEngine(note.data_dir);
      return engine?.url === note.url ? [engine] : [];
    });
}

/**
 * Lets the CLI find the engine from any directory while it runs. Returns what takes the note away
 * again.
 */
export function rememberEngine(notes: string, url: string, dataDir: string): () => void {
  const file = join(notes, `${new URL(url).host.replace(/[^a-zA-Z0-9.-]/g, '_')}.json`);
  try {
    mkdirSync(notes, { recursive: true, mode: 0o700 });
    const note = { url, data_dir: resolve(dataDir), started_at: new Date().toISOString() };
    writeFileSync(file, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  } catch {
    // A home that cannot be written to costs the convenience, not the engine.
  }
  return () => rmSync(file, { force: true });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
