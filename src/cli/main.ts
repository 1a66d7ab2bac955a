#!/usr/bin/env node
import '../lean-start.js';
import { CommanderError } from 'commander';
import { AppError, messageOf } from '../errors.js';
import { isEngine } from './early.js';
import { hintFor } from './hints.js';
import { createProgram } from './program.js';

const FAILED = 1;
const WRONG_USAGE = 2;

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
async function main(): Promise<number> {
  try {
    await createProgram().parseAsync();
    return 0;
  } catch (error) {
    // Commander has said what was wrong already; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.stderr.write(error instanceof AppError ? nextStep(error) : faultReport(error));
    return FAILED;
  }
}

function nextStep(error: AppError): string {
  const hint = hintFor(error.code);
  return hint === undefined ? '' : `${hint}\n`;
}

/** Nothing a user did throws anything but an AppError. */
function faultReport(error: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined;
  return `This is a fault of orama itself; please report it with these lines:\n${stack ?? String(error)}\n`;
}

// The reader of a pipe may leave early (`orama … | head`); that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isEngine) return;
  process.exit(error.code === 'EPIPE' ? 0 : FAILED);
});
process.exitCode = await main();
