import { parentPort } from 'node:worker_threads';
import { AppError, messageOf } from '../../src/errors.js';
import { distinctTypes } from '../wasm/binary/module.js';
import { choose } from '../wasm/warm/choose.js';
import { createFreshProgram } from '../wasm/warm/fresh.js';
import { checkValid, readSource, type Source } from '../wasm/warm/source.js';
import { ownOsThreadId } from './cpu-clock.js';
import type { CompileRequest, FromCompiler, ToCompiler } from './protocol.js';

const port = parentPort;
if (port === null) throw new Error('compile-thread.js must run as a worker thread of the engine');

function post(message: FromCompiler): void {
  port?.postMessage(message);
}

/** The module that was read last, until its types are admitted. */
let read: { request: CompileRequest; source: Source } | null = null;

port.on('message', (message: ToCompiler) => {
  const { id } = message;
  try {
    if (message.type === 'module') {
      const { request } = message;
      read = { request, source: readSource(request.wasm, request.limitMb) };
      post({ type: 'types', id, types: distinctTypes(read.source.module) });
      return;
    }
    const { isAdmitted } = message;
    const module = read;
    read = null;
    if (isAdmitted && module !== null) compile(id, module);
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'invalid_module';
    post({ type: 'refused', id, code, message: messageOf(error) });
  }
});

function compile(id: number, { request, source }: { request: CompileRequest; source: Source }): void {
  // Workers load modules that were validated at deploy.
  if (request.want === 'probe') checkValid(request.wasm);
  const fresh = createFreshProgram(source);
  // Sent before anything is probed, so that a module that hangs in a probe can still run as fresh.
  post({ type: 'compiled', id, program: fresh, note: null, last: false });
  const { program, note } = choose(source, fresh, request.name, request.want);
  post({ type: 'compiled', id, program, note, last: true });
}

post({ type: 'ready', osThreadId: ownOsThreadId() });
