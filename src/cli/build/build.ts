import { existsSync, readdirSync } from 'node:fs';
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

const TOOLCHAINS: readonly Toolchain[] = [go, rust, assemblyscript, c, javascript];

export interface Built {
  /** Path of the module. */
  file: string;
  /** Name and version of the compiler, or the build command. */
  with: string;
  /** What the source uses and functions do not have. */
  warnings: readonly string[];
}

/**
 * Builds function.wasm from the source in the directory, with the function's own build command if
 * it has one. Throws `build_failed`.
 */
export async function buildFunction(directory: string, command: string | undefined): Promise<Built> {
  const file = resolve(directory, MODULE_FILE);
  if (command !== undefined) {
    await runTool({ command, args: [], directory, shell: true });
    if (existsSync(file)) return { file, with: command, warnings: [] };
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
  const compiled = await toolchain.compile(directory, file, sources);
  return { file, ...(typeof compiled === 'string' ? { with: compiled, warnings: [] } : compiled) };
}

/** Returns whether the directory holds a module without anything from which it could be built. */
export function isPrebuilt(directory: string, command: string | undefined): boolean {
  if (command !== undefined || !existsSync(join(directory, MODULE_FILE))) return false;
  return findToolchain(sourcesIn(directory)) === undefined;
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
