import { hash } from 'node:crypto';
import { AppError } from '../../../src/errors.js';

/**
 * The only BullMQ version whose scripts, keys and arguments this driver supports; package.json pins
 * the same version.
 */
export const BULLMQ_VERSION = '6.7.0';

/** The scripts that ioredis has defined on a connection. */
export type DefinedScripts = Readonly<Record<string, { lua: string; numberOfKeys?: number | null }>>;

/**
 * A BullMQ script that is run inside a script of this project, or with arguments that this project
 * builds.
 */
interface KnownScript {
  /** How many of its arguments are keys. */
  keys: number;
  /**
   * The SHA-256 of the script's text: this driver depends on its command names, the order of its
   * keys and arguments, and its return values.
   */
  sha256: string;
}

const KNOWN_SCRIPTS = {
  addDelayedJob: { keys: 6, sha256: 'e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c' },
  addPrioritizedJob: { keys: 9, sha256: 'd4652d1be004a3d7bfed76efdc706f2017f8dfd0080c51ab1f05457eeb1c3c77' },
  moveJobFromActiveToWait: {
    keys: 9,
    sha256: 'ac9546cdd23294a20e0941aa531b52d83ce387e69a6a3c251af5ca0266bb0753',
  },
  moveStalledJobsToWait: {
    keys: 9,
    sha256: 'dad86d89b50d825fb9ad1e95ef0ca9ae459ba16e837663fdbfc7be6de003debb',
  },
  moveToActive: { keys: 11, sha256: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a' },
  moveToFinished: { keys: 14, sha256: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d' },
  removeJob: { keys: 2, sha256: 'f2acb16fda20ccac200abd5289a8910e48870d454c1577b19bd375ab809bb4b6' },
} as const satisfies Record<string, KnownScript>;

/**
 * Throws `bad_config` when the installed BullMQ is not the version that this driver supports.
 * Called at build time and when a queue is opened. Without this check, a script with other keys
 * would leave jobs that no worker can take, and a script with reworded commands would silently miss
 * the replacements of STUBBED_COMMANDS.
 */
export function checkBullScripts(scripts: DefinedScripts): void {
  for (const [name, { keys, sha256 }] of Object.entries(KNOWN_SCRIPTS)) {
    const script = scriptOf(scripts, name);
    if (script === undefined) throw foreign(`it has no script ${name}`);
    const [, version = 'unknown'] = script.name.split(':');
    if (version !== BULLMQ_VERSION) throw foreign(`it is version ${version}`);
    if (script.numberOfKeys !== keys)
      throw foreign(`${name} has ${script.numberOfKeys} keys instead of ${keys}`);
    if (sha256Of(script.lua) !== sha256) throw foreign(`the text of ${name} is another one`);
  }
}

/** Finds a BullMQ script by name; its full name ends with BullMQ's version. */
function scriptOf(scripts: DefinedScripts, script: string) {
  const name = Object.keys(scripts).find((each) => each.startsWith(`${script}:`));
  const found = scripts[name ?? ''];
  return name === undefined || found === undefined ? undefined : { name, ...found };
}

function sha256Of(text: string): string {
  return hash('sha256', text);
}

function foreign(difference: string): AppError {
  return new AppError(
    'bad_config',
    `The installed BullMQ is not version ${BULLMQ_VERSION} as published (${difference}), and the queue relies on its scripts; install the dependencies with "npm ci" and start again.`,
  );
}
