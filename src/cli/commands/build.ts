import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { withActivity } from '../activity.js';
import { type Built, buildFunction } from '../build/build.js';
import { readManifest } from '../function-directory.js';
import { terminalOf } from '../session.js';

/** Adds the command `orama function build [dir]`. */
export function addBuild(parent: Command): void {
  parent
    .command('build')
    .description(
      'compile function.wasm from TypeScript, JavaScript, Go, Rust, AssemblyScript or C, or with the build command of function.yaml',
    )
    .argument('[dir]', 'directory with function.yaml', '.')
    .action(async (directory: string, _flags, command: Command) => {
      const terminal = terminalOf(command);
      const { build, settings } = readManifest(directory);
      const built = await withActivity(terminal, `Building ${settings.name}…`, () =>
        buildFunction(directory, build),
      );
      for (const warning of built.warnings) terminal.problem(`warning: ${warning}`);
      if (terminal.json) terminal.value({ ...built, size: statSync(built.file).size });
      else terminal.line(describeBuilt(built));
    });
}

/** Formats a build result: `Built function.wasm (3.1 MB) with Go 1.26.8 (GOOS=wasip1)` */
export function describeBuilt(built: Built): string {
  const bytes = statSync(built.file).size;
  const size = bytes < 100_000 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
  return `Built function.wasm (${size}) with ${built.with}`;
}
