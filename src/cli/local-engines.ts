import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { makeDirectory } from '../files/make-directory.js';
import { nodeErrorCode } from '../node-error-code.js';
import { isOwn, writeOwnFile } from './own-file.js';

/**
 * An engine that `orama up` started on this machine, as described by the files in its data
 * directory.
 */
export interface LocalEngine {
  url: string;
  adminKey: string;
  dataDir: string;
}

const noteSchema = z.object({
  url: z.string(),
  data_dir: z.string(),
  started_at: z.string(),
  pid: z.number().int().optional(),
});

/**
 * Returns the engine of a data directory, or undefined if there is none or its files are not
 * readable.
 */
export function readEngine(dataDir: string): LocalEngine | undefined {
  const url = readText(join(dataDir, 'url'));
  const adminKey = readText(join(dataDir, 'admin-key'));
  return url && adminKey ? { url, adminKey, dataDir } : undefined;
}

/**
 * Searches for a data directory of this name in the directory and its parents, as git searches for
 * its repository, and like git takes only one that belongs to the user. Another user who may write
 * to a directory above, such as /tmp, could otherwise have the CLI send code and secrets to an
 * engine of their own.
 */
export function engineAbove(directory: string, name: string): LocalEngine | undefined {
  const dataDir = resolve(directory, name);
  const engine = isOwn(dataDir) ? readEngine(dataDir) : undefined;
  const parent = dirname(directory);
  return engine ?? (parent === directory ? undefined : engineAbove(parent, name));
}

/**
 * Returns the first data directory of this name in the directory and its parents that belongs to
 * another user.
 */
export function foreignAbove(directory: string, name: string): string | undefined {
  const dataDir = resolve(directory, name);
  if (existsSync(join(dataDir, 'url')) && !isOwn(dataDir)) return dataDir;
  const parent = dirname(directory);
  return parent === directory ? undefined : foreignAbove(parent, name);
}

/**
 * Returns the engines registered by `rememberEngine`, most recently started first. The
 * registrations contain no key; that stays in the data directory.
 */
export function rememberedEngines(notes: string): LocalEngine[] {
  const all = readNotes(notes);
  // A killed engine leaves its registration. Where no process is found, they may run in containers.
  const running = all.filter(({ pid }) => pid === undefined || isRunning(pid));
  return (running.length === 0 ? all : running)
    .sort((a, b) => b.started_at.localeCompare(a.started_at))
    .flatMap((note) => {
      const engine = readEngine(note.data_dir);
      return engine?.url === note.url ? [engine] : [];
    });
}

/**
 * Registers a running engine, so that the CLI finds it from any directory. Returns a function that
 * removes the registration.
 */
export function rememberEngine(notes: string, url: string, dataDir: string): () => void {
  const file = join(notes, `${new URL(url).host.replace(/[^a-zA-Z0-9.-]/g, '_')}.json`);
  try {
    makeDirectory(notes);
    const note = { url, data_dir: resolve(dataDir), started_at: new Date().toISOString(), pid: process.pid };
    writeOwnFile(file, `${JSON.stringify(note)}\n`);
    // A killed engine leaves its registration, under another port each time if it chose a free one.
    for (const old of readNotes(notes)) {
      if (old.data_dir === note.data_dir && old.file !== file) rmSync(old.file, { force: true });
    }
  } catch {
    // Ignored: without a writable home directory the engine still runs.
  }
  return () => rmSync(file, { force: true });
}

function readNotes(notes: string): (z.infer<typeof noteSchema> & { file: string })[] {
  let names: string[];
  try {
    names = readdirSync(notes);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const file = join(notes, name);
    const note = noteSchema.safeParse(parseJson(readText(file)));
    return note.success ? [{ ...note.data, file }] : [];
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as another user.
    return nodeErrorCode(error) === 'EPERM';
  }
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
