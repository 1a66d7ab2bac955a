#!/usr/bin/env node
import '../process/v8-flags.js';
import { type Command, CommanderError } from 'commander';
import { AppError, type ErrorCode, messageOf } from '../errors.js';
import { fileReason } from '../files/file-reason.js';
import { nodeErrorCode } from '../node-error-code.js';
import { VERSION } from '../package.js';
import { inCliTerms } from './cli-terms.js';
import { candidates } from './completion/candidates.js';
import { knownNames } from './completion/names.js';
import { COMPLETE_WORD } from './completion/scripts.js';
import { updateSettings } from './config.js';
import { hintFor } from './hints.js';
import { isEngine } from './process-handlers.js';
import { createProgram, pathOf } from './program.js';
import { oneLine, writePrintable } from './terminal.js';

const FAILED = 1;
const WRONG_USAGE = 2;
/** Their messages say how a function ended, and name no fields of the API. */
const OUTCOMES = new Set<ErrorCode>([
  'function_error',
  'function_refused',
  'function_timeout',
  'expired',
  'worker_died',
]);

/** Errors of a file that are caused by the user's machine. ENOENT can also be a fault of orama. */
const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'ENOSPC', 'EDQUOT']);

/** Commands that print until they are stopped. */
const ENDLESS = new Set(['logs', 'dev']);
const isEndless = (command: Command) => ENDLESS.has(command.name()) || command.opts().watch === true;

let running: Command | undefined;
/** Whether output was lost for another reason than that nobody reads it. */
let isOutputLost = false;

/** Runs the CLI. Resolves with the exit code: 0 success, 1 failure, 2 wrong usage. */
async function main(): Promise<number> {
  const [first, ...words] = process.argv.slice(2);
  if (first === COMPLETE_WORD) return printCandidates(words);
  try {
    const program = createProgram().hook('preAction', (_program, command) => {
      running = command;
    });
    await program.parseAsync();
    await printUpdateNotice();
    return 0;
  } catch (error) {
    // Commander has already printed the error; --help and --version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    writePrintable(process.stderr, error instanceof AppError ? report(error, running) : faultReport(error));
    return FAILED;
  }
}

/** Prints a notice about a newer version if the user has enabled it. */
async function printUpdateNotice(): Promise<void> {
  const settings = updateSettings();
  if (settings === undefined || !process.stderr.isTTY) return;
  const { findUpdate } = await import('./update-notice.js');
  const newer = await findUpdate({ ...settings, own: VERSION, now: Date.now() });
  if (newer === undefined) return;
  writePrintable(
    process.stderr,
    `orama ${newer} is available; this is ${VERSION}. Update with: npm install --global orama-functions@latest\n`,
  );
}

/** Prints completions for the shell scripts of `orama completion`. */
async function printCandidates(words: readonly string[]): Promise<number> {
  const found = await candidates(createProgram(), words, knownNames);
  for (const { value, about } of found) {
    writePrintable(process.stdout, `${oneLine(value)}\t${oneLine(about)}\n`);
  }
  return 0;
}

function report({ code, message }: AppError, running: Command | undefined): string {
  const hint = hintFor(code, { path: pathOf(running), args: running?.args ?? [], message });
  const sentence = OUTCOMES.has(code) ? message : inCliTerms(message, running);
  return `error: ${sentence}\n${hint === undefined ? '' : `${hint}\n`}`;
}

/**
 * Formats an error that is not an AppError: of a file that the user's machine refuses, else a bug.
 */
function faultReport(error: unknown): string {
  const file = error instanceof Error && 'path' in error ? error.path : undefined;
  if (typeof file === 'string' && REFUSALS.has(nodeErrorCode(error))) {
    return `error: ${file}: ${fileReason(error)}\n`;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return `error: ${messageOf(error)}\nThis is a fault of orama itself; please report it with these lines:\n${stack ?? String(error)}\n`;
}

// The reader of a pipe may exit early (`orama … | head`), which is no error. What is left of the
// output is dropped, and the command goes on: it may change something after its first line.
for (const stream of isEngine ? [] : [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    isOutputLost ||= stream === process.stdout && error.code !== 'EPIPE';
    if (running !== undefined && isEndless(running)) process.exit(isOutputLost ? FAILED : 0);
  });
}
process.on('exit', (code) => {
  if (code === 0 && isOutputLost) process.exitCode = FAILED;
});
process.exitCode = await main();
