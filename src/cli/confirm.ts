import { createInterface, type Interface } from 'node:readline/promises';
import type { Command } from 'commander';
import { AppError } from '../errors.js';
import { endLine, printable, writePrintable } from './terminal.js';

/**
 * Asks the user for confirmation on the terminal. Without a terminal, fails as wrong usage, since
 * the user could not decline.
 */
export async function confirm(command: Command, question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    command.error('error: there is no terminal to confirm this on; confirm it with --force');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await ask(prompt, printable(`${question} [y/N] `));
    const isConfirmed = /^y(es)?$/i.test(answer.trim());
    if (!isConfirmed) writePrintable(process.stderr, 'Nothing was changed.\n');
    return isConfirmed;
  } finally {
    prompt.close();
  }
}

/**
 * Asks a question. Throws `cancelled` if the user presses Ctrl+C or Ctrl+D instead of answering.
 */
export async function ask(prompt: Interface, question: string): Promise<string> {
  try {
    return await prompt.question(question);
  } catch (cause) {
    endLine();
    throw new AppError('cancelled', 'Stopped', { cause });
  }
}
