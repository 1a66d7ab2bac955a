import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { type CallOptions, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

export const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

/** Builds a function and runs it once. */
export async function run(source: string, input: unknown, options: CallOptions = {}) {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return runText(engine, await buildJavaScript(source), text, { warmStart: 'reactor', ...options });
}
