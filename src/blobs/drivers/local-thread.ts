import { parentPort, workerData } from 'node:worker_threads';
import type { Numbered } from '../../concurrency/idle-worker.js';
import { isAppError, messageOf } from '../../errors.js';
import type { LocalReply, LocalRequest, LocalStore } from './local-protocol.js';
import { openLocalStore } from './local-store.js';

if (parentPort === null) throw new Error('local-thread.ts is the body of a worker thread');
const port = parentPort;
const store = openLocalStore((workerData as { dir: string }).dir);

port.on('message', async ({ id, message: request }: Numbered<LocalRequest>) => {
  const message = await answer(request);
  const bytes = message.kind === 'done' && message.result instanceof Uint8Array ? message.result : null;
  port.postMessage(
    { id, message } satisfies Numbered<LocalReply>,
    bytes === null ? [] : [bytes.buffer as ArrayBuffer],
  );
});

async function answer(request: LocalRequest): Promise<LocalReply> {
  try {
    return { kind: 'done', result: (await run(store, request)) ?? undefined };
  } catch (error) {
    if (!isAppError(error)) return { kind: 'failed', message: messageOf(error) };
    const { code, message, cause } = error;
    return { kind: 'refused', code, message, cause: cause === undefined ? undefined : messageOf(cause) };
  }
}

function run(own: LocalStore, { operation, argument }: LocalRequest) {
  if (typeof argument === 'string') {
    if (operation === 'get') return own.get(argument);
    if (operation === 'delete') return own.delete(argument);
  } else {
    if (operation === 'put') return own.put(argument);
    if (operation === 'cidOf') return own.cidOf(argument);
  }
  throw new Error(`${operation} of a ${typeof argument}`);
}
