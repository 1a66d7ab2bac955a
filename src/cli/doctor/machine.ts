import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileReason } from '../../files/file-reason.js';
import { type Check, ok, wrong } from './check.js';

const NEEDED_NODE = [20, 19] as const;
const GIGABYTE = 1 << 30;
/** With less free space, a day of logs or a few modules can fill the disk. */
const MIN_FREE_BYTES = GIGABYTE;

export function checkNode(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = NEEDED_NODE;
  const isNewEnough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  if (isNewEnough) return ok('node', version);
  return wrong('node', version, `Install Node ${NEEDED_NODE.join('.')} or newer from nodejs.org.`);
}

/** Checks the free disk space for the data of a local engine. */
export async function checkDisk(dataDir: string): Promise<Check> {
  // The data directory does not exist before the first start.
  const place = existsSync(dataDir) ? dataDir : '.';
  try {
    const { bavail, bsize } = await statfs(place);
    const free = bavail * bsize;
    const found = `${(free / GIGABYTE).toFixed(1)} GB free at ${resolve(dataDir)}`;
    if (free >= MIN_FREE_BYTES) return ok('disk', found);
    return wrong(
      'disk',
      found,
      'Free some space there, or keep the data elsewhere with: orama up --data <dir>',
    );
  } catch (error) {
    return wrong('disk', fileReason(error), `Make ${resolve(dataDir)} readable, or name another directory.`);
  }
}
