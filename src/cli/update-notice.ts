import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { makeDirectory } from '../files/make-directory.js';
import { writeOwnFile } from './own-file.js';

/** Interval between requests to the registry. */
const EVERY_MS = 24 * 3600 * 1000;
const TIMEOUT_MS = 1500;

const latestSchema = z.object({ version: z.string().regex(/^\d+\.\d+\.\d+$/) });
const noteSchema = z.object({ asked_at: z.number(), version: z.string() });

export interface UpdateCheck {
  /** URL of an npm registry. */
  registry: string;
  /** File that caches the response for a day. */
  file: string;
  own: string;
  now: number;
}

/**
 * Resolves with a newer version of this package, or undefined if there is none or the registry is
 * unreachable.
 */
export async function findUpdate({ registry, file, own, now }: UpdateCheck): Promise<string | undefined> {
  try {
    const saved = readNote(file);
    const isFresh = saved !== undefined && now - saved.asked_at < EVERY_MS && saved.asked_at <= now;
    const version = isFresh ? saved.version : await ask(registry);
    if (!isFresh) {
      makeDirectory(dirname(file));
      writeOwnFile(file, JSON.stringify({ asked_at: now, version }));
    }
    return isNewer(version, own) ? version : undefined;
  } catch {
    // Ignored: the check must not affect the command.
    return undefined;
  }
}

async function ask(registry: string): Promise<string> {
  const url = `${registry.replace(/\/+$/, '')}/orama-functions/latest`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return latestSchema.parse(await response.json()).version;
}

function readNote(file: string): z.infer<typeof noteSchema> | undefined {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function isNewer(version: string, own: string): boolean {
  const [theirs, ours] = [version, own].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (const [at, part] of (theirs ?? []).entries()) {
    const other = ours?.[at] ?? 0;
    if (part !== other) return part > other;
  }
  return false;
}
