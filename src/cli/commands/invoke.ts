import { isUtf8 } from 'node:buffer';
import { type Command, Option } from 'commander';
import { MAX_VERSION } from '../../contract/alias.js';
import { MAX_DELAY_SECONDS } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import { JsonText } from '../../json/json-text.js';
import type { InvokeOptions, InvokeReply } from '../client.js';
import { readData } from '../data.js';
import { FailedReply } from '../failure.js';
import { addHeader, callHttp, type HttpHeaders, parseRequestLine, type RequestLine } from '../http-call.js';
import { openSession } from '../session.js';
import type { Terminal } from '../terminal.js';
import { headerText, wholeNumber } from '../values.js';

interface InvokeFlags extends InvokeOptions {
  data?: string;
  http?: RequestLine;
  header?: HttpHeaders;
}

/**
 * Options of an invocation that cannot be combined with --http; an HTTP request uses headers for
 * them.
 */
const WITHOUT_HTTP = ['async', 'version', 'delay', 'idempotencyKey'];

/** Adds the command `orama function invoke <name>`. */
export function addInvoke(parent: Command): void {
  parent
    .command('invoke')
    .description('run a function and print its output')
    .argument('[name]', 'name or name@version; optional with --http')
    .option('-d, --data <json>', 'input; @file reads a file, - reads stdin')
    .option('--async', 'do not wait for the result; print the request id')
    .option('--version <n>', 'version to run', wholeNumber(1, MAX_VERSION))
    .option('--delay <seconds>', 'delay for --async', wholeNumber(0, MAX_DELAY_SECONDS))
    .option('--idempotency-key <key>', 'the same key returns the same invocation', headerText(255))
    .addOption(
      new Option(
        '--http <request>',
        "send an HTTP request, such as 'GET /users/7?x=1', to a route of the namespace, or below the function that is named",
      )
        .argParser(parseRequestLine)
        .conflicts(WITHOUT_HTTP),
    )
    .option(
      '-H, --header <header>',
      "header for --http, such as 'Accept: text/html'; may be repeated",
      addHeader,
    )
    .action(async (name: string | undefined, flags: InvokeFlags, command: Command) => {
      if (flags.http === undefined && flags.header !== undefined) {
        command.error('error: --header goes with --http');
      }
      if (flags.http !== undefined) {
        await callHttp(openSession(command), {
          ...flags.http,
          name,
          headers: flags.header ?? {},
          body: await readData(flags.data ?? ''),
        });
        return;
      }
      if (name === undefined) {
        command.error("error: missing required argument 'name'");
        return;
      }
      if (flags.version !== undefined && name.includes('@')) {
        command.error(`error: the version is given twice, by ${name} and by --version`);
      }
      if (flags.delay !== undefined && flags.async !== true) {
        command.error('error: --delay goes with --async');
      }
      const { client, terminal } = openSession(command);
      const input = await readData(flags.data ?? '');
      const reply = await client.invoke(name, input, flags).catch((error: unknown) => {
        const cause = error instanceof AppError ? error.cause : undefined;
        if (terminal.json && cause instanceof FailedReply) terminal.value(cause.reply);
        throw error;
      });
      if (terminal.json) terminal.value(asJson(reply));
      else if (reply.kind === 'done' || flags.async === true) printBare(terminal, reply);
      if (reply.kind === 'queued' && flags.async !== true) {
        throw new AppError(
          'unavailable',
          `${name} has not ended in the time that the engine waits for it, and goes on; see its result later with: orama invocations get ${reply.requestId}`,
        );
      }
    });
}

function printBare(terminal: Terminal, reply: InvokeReply): void {
  if (reply.kind === 'queued') {
    terminal.line(reply.requestId);
    return;
  }
  terminal.bytes(reply.output);
  if (terminal.isTerminal && reply.output.at(-1) !== 10) terminal.line('');
  const tries = reply.attempts > 1 ? `, ${reply.attempts} attempts` : '';
  terminal.progress(
    terminal.colors.dim(
      `version ${reply.version}, ${reply.durationMs} ms${tries}, request ${reply.requestId}`,
    ),
  );
}

/**
 * Returns the output as JSON if it is valid JSON, as text if it is UTF-8, and otherwise as base64.
 */
function asJson(reply: InvokeReply): unknown {
  if (reply.kind === 'queued') return { request_id: reply.requestId, status: 'queued' };
  return {
    request_id: reply.requestId,
    status: 'success',
    ...outputAsJson(reply.output),
    duration_ms: reply.durationMs,
    attempts: reply.attempts,
    version: reply.version,
  };
}

function outputAsJson(output: Uint8Array): { output: unknown } | { output_base64: string } {
  const bytes = Buffer.from(output);
  if (!isUtf8(bytes)) return { output_base64: bytes.toString('base64') };
  const text = bytes.toString();
  if (!/^[{[]/.test(text)) return { output: text };
  try {
    const value: unknown = JSON.parse(text);
    const exact = compactJson(text);
    // As the function wrote it, if parsing has rounded a number or dropped a key.
    return { output: JSON.stringify(value) === exact ? value : new JsonText(exact) };
  } catch {
    return { output: text };
  }
}

/** Removes the whitespace between the tokens of a JSON text. */
function compactJson(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (token) => (token.startsWith('"') ? token : ''));
}
