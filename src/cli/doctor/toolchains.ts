import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findToolchain, sourcesIn } from '../build/build.js';
import { findTool, runTool } from '../build/run-tool.js';
import type { Toolchain } from '../build/toolchain.js';
import { MANIFEST_FILE, readManifest } from '../function-directory.js';
import { findProject, functionDirectories } from '../project/project.js';
import { type Check, ok } from './check.js';

type CompiledLanguage = Toolchain['language'];

interface Tool {
  name: string;
  language: CompiledLanguage;
  /** Command that prints the version. */
  command: readonly [string, ...string[]];
  advice: string;
  /** Name of an alternative tool that the build accepts. */
  or?: string;
  /** Returns whether additional requirements, such as a libc or a target, are installed. */
  complete?: () => Promise<boolean>;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'go',
    language: 'go',
    command: ['go', 'version'],
    advice: 'For functions in Go, install Go 1.24 or newer from go.dev.',
    or: 'tinygo',
  },
  {
    name: 'tinygo',
    language: 'go',
    command: ['tinygo', 'version'],
    advice: 'For smaller modules of functions in Go, install TinyGo from tinygo.org.',
    or: 'go',
  },
  {
    name: 'rust',
    language: 'rust',
    command: ['cargo', '--version'],
    advice: 'For functions in Rust, install it from rustup.rs and run: rustup target add wasm32-wasip1',
    complete: hasRustTarget,
  },
  {
    name: 'clang',
    language: 'c',
    command: ['clang', '--version'],
    advice: 'For functions in C, install clang, lld and wasi-libc, or Zig.',
    or: 'zig',
  },
];

/**
 * Checks the compilers. Only a compiler that a function in this directory or project needs is
 * required.
 */
export async function checkToolchains(directory: string): Promise<Check[]> {
  const needed = await languagesOf(directory);
  return Promise.all(TOOLS.map((tool) => check(tool, needed)));
}

async function check(tool: Tool, needed: ReadonlySet<CompiledLanguage>): Promise<Check> {
  const [program, ...args] = tool.command;
  const isFound = findTool(program) !== undefined;
  const isComplete = isFound && ((await tool.complete?.()) ?? true);
  if (isComplete) return ok(tool.name, await versionOf(program, args));
  const isReplaced = tool.or !== undefined && findTool(tool.or) !== undefined;
  const isNeeded = needed.has(tool.language) && !isReplaced;
  return {
    name: tool.name,
    status: isNeeded ? 'wrong' : 'missing',
    found: isFound ? 'without a target for WASI' : 'not on PATH',
    advice: tool.advice,
  };
}

async function versionOf(command: string, args: readonly string[]): Promise<string> {
  try {
    const output = await runTool({ command, args, directory: '.' });
    return /\d+\.\d+[^\s)]*/.exec(output)?.[0] ?? output.split('\n')[0]?.trim() ?? '';
  } catch {
    return 'does not say its version';
  }
}

async function hasRustTarget(): Promise<boolean> {
  try {
    const root = await runTool({ command: 'rustc', args: ['--print', 'sysroot'], directory: '.' });
    return existsSync(join(root.trim(), 'lib', 'rustlib', 'wasm32-wasip1'));
  } catch {
    return false;
  }
}

/**
 * Returns the languages of the function in this directory, or of all functions of the project that
 * contains it.
 */
async function languagesOf(directory: string): Promise<ReadonlySet<CompiledLanguage>> {
  const languages = new Set<CompiledLanguage>();
  for (const one of await functionsHere(directory)) {
    const isBuiltByCommand = buildCommandOf(one) !== undefined;
    const toolchain = isBuiltByCommand ? undefined : findToolchain(sourcesIn(one));
    if (toolchain !== undefined) languages.add(toolchain.language);
  }
  return languages;
}

async function functionsHere(directory: string): Promise<readonly string[]> {
  if (existsSync(join(directory, MANIFEST_FILE))) return [directory];
  const root = findProject(directory);
  if (root === undefined) return [];
  try {
    return await functionDirectories(root);
  } catch {
    // `orama deploy` reports errors of the project.
    return [];
  }
}

function buildCommandOf(directory: string): string | undefined {
  try {
    return readManifest(directory).build;
  } catch {
    return undefined;
  }
}
