import { copyFile } from 'node:fs/promises';
import * as z from 'zod';
import { AppError } from '../../errors.js';
import { findTool, runTool } from './run-tool.js';
import type { Toolchain } from './toolchain.js';

const TARGET = 'wasm32-wasip1';
const artifactSchema = z.object({ reason: z.literal('compiler-artifact'), filenames: z.array(z.string()) });

/** Compiles with Cargo and the target wasm32-wasip1. */
export const rust: Toolchain = {
  language: 'rust',

  detects: ({ top }) => top.includes('Cargo.toml'),

  async compile(directory, output) {
    if (findTool('cargo') === undefined) {
      throw new AppError('build_failed', 'cargo is not on PATH; install Rust from rustup.rs');
    }
    const version = await runTool({ command: 'cargo', args: ['--version'], directory });
    const args = ['build', '--release', '--target', TARGET, '--message-format=json-render-diagnostics'];
    const messages = await runTool({ command: 'cargo', args, directory });
    await copyFile(builtModule(messages), output);
    return `Rust ${/cargo (\S+)/.exec(version)?.[1] ?? ''} (${TARGET})`;
  },
};

/**
 * Returns the module's path from Cargo's JSON messages, as a workspace or a target-dir setting may
 * change it.
 */
function builtModule(messages: string): string {
  const modules = messages.split('\n').flatMap((line) => {
    const message = artifactSchema.safeParse(line.startsWith('{') ? JSON.parse(line) : undefined);
    return message.success ? message.data.filenames.filter((name) => name.endsWith('.wasm')) : [];
  });
  const last = modules.at(-1);
  if (last === undefined)
    throw new AppError('build_failed', 'cargo made no .wasm; the crate needs a src/main.rs');
  return last;
}
