import type { Command } from 'commander';
import * as z from 'zod';
import { AppError } from '../../errors.js';
import { withActivity } from '../activity.js';
import { type ConnectionFlags, localDataDir, resolveSettings } from '../config.js';
import type { Check } from '../doctor/check.js';
import { checkEngine } from '../doctor/engine.js';
import { checkDisk, checkNode } from '../doctor/machine.js';
import { checkToolchains } from '../doctor/toolchains.js';
import { commonFlagsOf, terminalOf } from '../session.js';
import { oneLine, type Terminal } from '../terminal.js';

const reportSchema = z.object({ ok: z.boolean(), checks: z.array(z.unknown()) });

/** Adds the command `orama doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check what functions need: compilers, the engine, the key, the clock, the disk')
    .action(async (_flags, command: Command) => {
      const terminal = terminalOf(command);
      const checks = await withActivity(terminal, 'Checking…', () => checkAll(commonFlagsOf(command)));
      const isHealthy = checks.every(({ status }) => status !== 'wrong');
      terminal.list({ ok: isHealthy, checks }, reportSchema, 'checks', () => render(terminal, checks));
      if (isHealthy) return;
      const bad = checks.filter(({ status }) => status === 'wrong').map(({ name }) => name);
      throw new AppError('bad_config', `Failed checks: ${bad.join(', ')}`);
    });
}

const LOCAL_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]']);

async function checkAll(flags: ConnectionFlags): Promise<Check[]> {
  const settings = resolveSettings(flags);
  const isLocal = LOCAL_HOSTS.has(new URL(settings.url).hostname);
  const [toolchains, engine, disk] = await Promise.all([
    checkToolchains(process.cwd()),
    checkEngine(settings),
    isLocal ? [checkDisk(localDataDir())] : [],
  ]);
  return [checkNode(), ...toolchains, ...engine, ...(await Promise.all(disk))];
}

function render(terminal: Terminal, checks: readonly Check[]): string {
  const { green, yellow, red } = terminal.colors;
  const paint = { ok: green, missing: yellow, wrong: red };
  return checks
    .map(({ name, status, found, advice }) => {
      const line = `${paint[status](status.padEnd(7))}  ${name.padEnd(7)}  ${oneLine(found)}`;
      return advice === null ? line : `${line}\n                  ${advice}`;
    })
    .join('\n');
}
