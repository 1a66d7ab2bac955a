import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { createClient } from '../client.js';
import { loginAddress, saveLogin } from '../config.js';
import { ask } from '../confirm.js';
import { readData } from '../data.js';
import { commonFlagsOf, terminalOf } from '../session.js';
import { writePrintable } from '../terminal.js';

/** Adds the command `orama login`. */
export function addLogin(program: Command): void {
  program
    .command('login')
    .description('store the URL of an engine and a key for it; --api-key - reads the key from stdin')
    .action(async (_flags, command: Command) => {
      const terminal = terminalOf(command);
      const { url, apiKey, namespace } = commonFlagsOf(command);
      const address = loginAddress(url);
      const key = await keyFrom(apiKey, address, command);
      const where = namespace ?? namespaceOf(key);
      const target = { url: address, ...(where === undefined ? {} : { namespace: where }) };
      // Verify the key, and that the namespace is its own, before they are stored.
      await createClient({ ...target, apiKey: key }).call('GET', '/v1/auth/whoami');
      const file = saveLogin({ ...target, api_key: key });
      if (terminal.json) terminal.value({ url: address, namespace: where ?? null, file });
      else
        terminal.line(`Logged in to ${address}${where === undefined ? '' : ` as ${where}`}; kept in ${file}`);
    });
}

async function keyFrom(flag: string | undefined, url: string, command: Command): Promise<string> {
  if (flag === '-')
    return Buffer.from(await readData('-'))
      .toString()
      .trim();
  if (flag !== undefined) return flag;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    command.error('error: there is no terminal to ask for the key on; give it with --api-key');
  }
  writePrintable(process.stderr, `API key for ${url}: `);
  // Do not echo the key: the prompt writes to a stream that discards everything.
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: discard, terminal: true });
  try {
    const key = await ask(prompt, '');
    writePrintable(process.stderr, '\n');
    return key.trim();
  } finally {
    prompt.close();
  }
}

/** Extracts the namespace from a key of the form `ak_<random>:<namespace>`. */
function namespaceOf(key: string): string | undefined {
  return /^ak_[^:]+:(.+)$/.exec(key)?.[1];
}
