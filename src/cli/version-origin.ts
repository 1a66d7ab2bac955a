import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { VersionOrigin } from '../contract/version-origin.js';
import { MODULE_FILE } from './build/build.js';
import { findTool } from './build/run-tool.js';

const run = promisify(execFile);
const TIMEOUT_MS = 5000;

/**
 * Returns the given message, or else the subject of the commit, and the hash of the checked-out
 * commit. Without git or outside of a repository, only the message.
 */
export async function originOf(directory: string, message: string | undefined): Promise<VersionOrigin> {
  const given = message ?? null;
  if (findTool('git') === undefined) return { message: given, git_commit: null };
  try {
    const git = async (...args: string[]) =>
      (await run('git', ['-C', directory, ...args], { timeout: TIMEOUT_MS })).stdout.trim();
    const [commit = '', subject = ''] = (await git('log', '-1', '--format=%H%n%s')).split('\n');
    const changes = await git('status', '--porcelain', '--', '.', `:(exclude,glob)**/${MODULE_FILE}`);
    if (changes !== '') return { message: given, git_commit: `${commit}-dirty` };
    return { message: given ?? asLine(subject), git_commit: commit };
  } catch {
    return { message: given, git_commit: null };
  }
}

/** Returns the subject in the format that the engine accepts. */
function asLine(subject: string): string | null {
  const line = subject
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 500);
  return line === '' ? null : line;
}
