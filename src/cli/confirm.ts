import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { printable } from './terminal.js';

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
    const answer = await prompt.question(printable(`${question} [y/N] `));
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
