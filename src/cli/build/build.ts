import { existsSync, readdirSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../errors.js';
import { assemblyscript } from './assemblyscript.js';
import { c } from './c.js';
import { go } from './go.js';
import { javascript } from './javascript/javascript.js';
import { runTool } from './run-tool.js';
import { rust } from './rust.js';
import type { Sources, Toolchain } from './toolchain.js';

export const MODULE_FILE = 'function.wasm';

/** By how much the clock of files may be behind. */
const FILE_CLOCK_MS = 10;

const TOOLCHAINS: readonly Toolchain[] = [go, rust, assemblyscript, c, javascript];

export interface Built {
  /** Path of the module. */
  file: string;
  /** Name and version of the compiler, or the build command. */
  with: string;
}

/**
 * Builds function.wasm from the source in the directory, with the function's own build command if
 * it has one. Throws `build_failed`.
 */
export async function buildFunction(directory: string, command: string | undefined): Promise<Built> {
  const startedAt = (Date.now() - FILE_CLOCK_MS) / 1000;
  const built = await build(directory, command);
  // As old as the source that was read: a file saved during the build is newer than the module.
  // The file of another user keeps its time.
  await utimes(built.file, startedAt, startedAt).catch(() => undefined);
  return built;
}

async function build(directory: string, command: string | undefined): Promise<Built> {
  const file = resolve(directory, MODULE_FILE);
  if (command !== undefined) {
    await runTool({ command, args: [], directory, shell: true });
    if (existsSync(file)) return { file, with: command };
    throw new AppError(
      'build_failed',
      `The build command "${command}" made no ${MODULE_FILE} in ${directory}`,
    );
  }
  const sources = sourcesIn(directory);
  const toolchain = findToolchain(sources);
  if (toolchain === undefined) {
    throw new AppError(
      'build_failed',
      `Nothing to build in ${directory}: it holds no index.ts or index.js, go.mod or *.go, Cargo.toml, assembly/*.ts or *.c, and function.yaml has no build command`,
    );
  }
  return { file, with: await toolchain.compile(directory, file, sources) };
}

/** Returns the first toolchain that detects source of its language. */
export function findToolchain(sources: Sources): Toolchain | undefined {
  return TOOLCHAINS.find((toolchain) => toolchain.detects(sources));
}

export function sourcesIn(directory: string): Sources {
  return { top: namesIn(directory), assembly: namesIn(join(directory, 'assembly')) };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
