import type { Server } from 'node:net';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { nodeErrorCode } from '../../node-error-code.js';
import { listenReason } from './listen-reason.js';

/** Errors of a listening server are reported at most once per interval, in milliseconds. */
const REPORT_MS = 1000;

/** Codes of failures that no other port would avoid. */
const OF_THE_HOST = /^(EADDRNOTAVAIL|ENOTFOUND|EAI_.*|EINVAL|EAFNOSUPPORT)$/;

export interface ListenOptions {
  host: string;
  port: number;
  /** The setting that the port is from, for the error. */
  setting: string;
  /** Called when the listening server fails: usually it could not accept a connection. */
  onError(error: Error): void;
}

/** Returns an `onError` that logs the failure. */
export function logServerError(logger: Logger): ListenOptions['onError'] {
  return (error) => logger.error({ err: error }, 'the HTTP server failed; it continues');
}

/** Resolves when the server listens; rejects with `bad_config` if it cannot. */
export function listen(server: Server, { host, port, setting, onError }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => {
      const wrong = OF_THE_HOST.test(nodeErrorCode(cause)) ? 'HOST' : setting;
      const sentence = `Cannot listen on ${host}:${port}: ${listenReason(cause)}; choose another ${wrong}.`;
      reject(new AppError('bad_config', sentence, { cause }));
    };
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      reportErrors(server, onError);
      resolve();
    });
  });
}

/**
 * A connection that could not be accepted, for example for lack of memory, ends neither the process
 * nor the server: the next ones may be accepted.
 */
function reportErrors(server: Server, report: (error: Error) => void): void {
  let isQuiet = false;
  server.on('error', (error) => {
    if (isQuiet) return;
    isQuiet = true;
    setTimeout(() => {
      isQuiet = false;
    }, REPORT_MS).unref();
    report(error);
  });
}
