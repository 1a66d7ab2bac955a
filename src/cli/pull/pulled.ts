import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { functionSettingsSchema } from '../../contract/function.js';
import { invocationRecordSchema } from '../../contract/invocation.js';
import { type Trace, traceSchema } from '../../contract/trace.js';
import { AppError } from '../../errors.js';
import { makeDirectory } from '../../files/make-directory.js';
import { MODULE_FILE } from '../build/build.js';
import { readFileOr } from '../data.js';
import { writeOwnFile } from '../own-file.js';

const RECORD_FILE = 'invocation.json';
const INPUT_FILE = 'input';
const ENV_FILE = '.env';
const TRACE_FILE = 'trace.json';

/** Files that a run reads and a user may edit. */
export const PULLED_FILES: ReadonlySet<string> = new Set([MODULE_FILE, INPUT_FILE, ENV_FILE, RECORD_FILE]);

/** The invocation and its settings: everything that is not in a file of its own. */
const recordSchema = z.object({
  invocation: invocationRecordSchema.omit({ input: true, input_base64: true }),
  settings: functionSettingsSchema,
  /** Names of the variables, without values. */
  env: z.array(z.string()),
});
export type PulledRecord = z.infer<typeof recordSchema>;

/** An invocation that was pulled to this machine. */
export interface Pulled extends PulledRecord {
  wasm: Uint8Array;
  input: Uint8Array;
  trace: Trace | null;
}

/**
 * Writes the directory of a pulled invocation, which only its owner can read: input and trace are
 * data of the namespace. An existing `.env` is kept.
 */
export function writePulled(directory: string, { wasm, input, trace, ...record }: Pulled): void {
  makeDirectory(directory);
  // First: it marks the directory as one of a pull, so that an interrupted pull can be repeated.
  writeOwnFile(join(directory, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
  writeOwnFile(join(directory, MODULE_FILE), wasm);
  writeOwnFile(join(directory, INPUT_FILE), input);
  if (trace !== null) writeOwnFile(join(directory, TRACE_FILE), `${JSON.stringify(trace, null, 2)}\n`);
  const env = join(directory, ENV_FILE);
  const lines = record.env.map((name) => `${name}=\n`);
  if (!existsSync(env)) writeOwnFile(env, `${ABOUT_ENV}${lines.join('')}`);
}

/**
 * Throws `conflict` if a pull of the invocation would overwrite another one, or files that are not
 * from a pull, such as the module of a function.
 */
export function assertOwnDirectory(directory: string, id: string): void {
  const found = [RECORD_FILE, MODULE_FILE, INPUT_FILE, TRACE_FILE].find((name) =>
    existsSync(join(directory, name)),
  );
  if (found === undefined) return;
  let what = `a file "${found}" that is not from a pull`;
  if (found === RECORD_FILE) {
    const { data } = recordSchema.safeParse(readJson(join(directory, RECORD_FILE)));
    if (data?.invocation.request_id === id) return;
    if (data !== undefined) what = `the invocation ${data.invocation.request_id}`;
  }
  throw new AppError('conflict', `${directory} holds ${what}; name another with --dir`);
}

const ABOUT_ENV =
  '# The env of the function, and secrets that it reads. Nothing of it leaves this machine.\n';

/** Reads the directory of a pulled invocation, with the values of its `.env`. */
export async function readPulled(directory: string): Promise<Pulled & { values: Record<string, string> }> {
  const record = recordSchema.parse(readJson(join(directory, RECORD_FILE)));
  const trace = join(directory, TRACE_FILE);
  const env = join(directory, ENV_FILE);
  const written = existsSync(env) ? parseEnv(readFileSync(env, 'utf8')) : {};
  return {
    ...record,
    wasm: await readFileOr(join(directory, MODULE_FILE)),
    input: await readFileOr(join(directory, INPUT_FILE)),
    trace: existsSync(trace) ? traceSchema.parse(readJson(trace)) : null,
    values: Object.fromEntries(
      Object.entries(written).flatMap(([name, value]) => (value ? [[name, value]] : [])),
    ),
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new AppError(
      'invalid_request',
      `${file} is damaged; pull the invocation again, into another directory`,
      { cause },
    );
  }
}
