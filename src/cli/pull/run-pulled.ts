import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDeployForm } from '../../contract/form.js';
import type { FunctionSettings } from '../../contract/function.js';
import { logsReplySchema } from '../../contract/http/logs.js';
import type { Trace } from '../../contract/trace.js';
import { isAppError, messageOf } from '../../errors.js';
import { type Client, createClient } from '../client.js';
import { renderLog } from '../render-log.js';
import type { Terminal } from '../terminal.js';

/** Result of a local run. */
export interface LocalRun {
  ok: boolean;
  requestId: string | null;
  output: Uint8Array;
  error: string | null;
}

export interface LocalFunction {
  settings: FunctionSettings;
  wasm: Uint8Array;
  input: Uint8Array;
  env: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, string>>;
}

/** A local engine with a temporary data directory. */
export interface PulledEngine {
  run(fn: LocalFunction): Promise<LocalRun>;
  close(): Promise<void>;
}

/**
 * Starts a local engine. With a trace, host calls return the recorded results and reach no external
 * system.
 */
export async function startLocalEngine(trace: Trace | null, terminal: Terminal): Promise<PulledEngine> {
  const { startAllInOne } = await import('../../up.js');
  // In one step with the handler: a signal that arrives between them would leave the directory.
  const dataDir = mkdtempSync(join(tmpdir(), 'orama-pull-'));
  // It holds the input and the secrets. Removed at the latest when the process exits.
  const remove = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  const engine = await startAllInOne({
    port: 0,
    dataDir,
    ignoreEnvironment: true,
    logLevel: 'error' as const,
    ...(trace === null ? {} : { replay: trace }),
  });
  const client = createClient({ url: engine.url, apiKey: engine.adminKey });
  return {
    run: (fn) => runOnce(client, fn, terminal),
    async close() {
      await engine.close();
      remove();
    },
  };
}

async function runOnce(client: Client, fn: LocalFunction, terminal: Terminal): Promise<LocalRun> {
  const { name } = fn.settings;
  for (const [secret, value] of Object.entries(fn.secrets)) {
    await client.call('PUT', '/v1/functions/secrets', { json: { name: secret, value } });
  }
  await client.deploy(writeDeployForm(localSettings(fn)), fn.wasm);
  const run = await invoke(client, name, fn.input);
  await printLog(client, name, terminal);
  return run;
}

/**
 * Returns the settings for one local run: the same limits, but no retries, which would hide
 * failures, and no triggers.
 */
function localSettings({ settings, env }: LocalFunction): FunctionSettings {
  const { triggers: _, on_success: __, on_failure: ___, trace: ____, ...metadata } = settings.metadata;
  return {
    ...settings,
    retry_count: 0,
    metadata: { ...metadata, triggers: [], env: { ...env } },
  };
}

async function invoke(client: Client, name: string, input: Uint8Array): Promise<LocalRun> {
  try {
    const reply = await client.invoke(name, input, {});
    const output = reply.kind === 'done' ? reply.output : new Uint8Array();
    return { ok: true, requestId: reply.requestId, output, error: null };
  } catch (error) {
    if (!isAppError(error) || !/^function_/.test(error.code)) throw error;
    return { ok: false, requestId: null, output: new Uint8Array(), error: messageOf(error) };
  }
}

/** Prints the newest log record, which is that of the run that has just ended. */
async function printLog(client: Client, name: string, terminal: Terminal): Promise<void> {
  const reply = await client.call('GET', `/v1/functions/${name}/logs`, { query: { limit: 1 } });
  for (const record of logsReplySchema.parse(reply).logs)
    terminal.problem(renderLog(terminal.colors, record));
}
