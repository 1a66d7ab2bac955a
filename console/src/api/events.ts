import { notFromEngine } from './error.js';
import { reconnect } from './reconnect.js';
import { request } from './request.js';

/** The engine sends at least a comment every 15 s. */
const SILENCE_MS = 45_000;

/** The position in a stream up to which it has been read, so that reading can resume there. */
export interface StreamPosition {
  lastId?: string;
}

interface FollowOptions {
  signal: AbortSignal;
  position?: StreamPosition;
  onEvent(data: string): void;
  /** Called when the stream connects or disconnects; with the error if the engine returned one. */
  onState?(isConnected: boolean, error?: unknown): void;
}

/**
 * Reads a stream of server-sent events until the signal is aborted or the engine refuses it for
 * good. Reconnects when the connection is lost.
 */
export function follow(path: string, options: FollowOptions): Promise<void> {
  const { signal, onState } = options;
  return reconnect(() => readOnce(path, options), { signal, onEnd: (error) => onState?.(false, error) });
}

/** Reads one connection of a stream until it ends. */
async function readOnce(path: string, options: FollowOptions): Promise<void> {
  const { signal, position = {}, onEvent, onState } = options;
  const response = await request('GET', path, {
    signal,
    silenceMs: SILENCE_MS,
    headers: {
      Accept: 'text/event-stream',
      ...(position.lastId === undefined ? {} : { 'Last-Event-ID': position.lastId }),
    },
  });
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw notFromEngine(response);
  }
  onState?.(true);
  for await (const block of blocksOf(response)) {
    const { id, data } = parse(block);
    if (id !== undefined) position.lastId = id;
    if (data !== undefined && !signal.aborted) onEvent(data);
  }
}

async function* blocksOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    yield* blocks;
  }
}

function parse(block: string): { id?: string; data?: string } {
  const event: { id?: string; data?: string } = {};
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) event.id = line.slice(4);
    else if (line.startsWith('data: ')) {
      event.data = event.data === undefined ? line.slice(6) : `${event.data}\n${line.slice(6)}`;
    }
  }
  return event;
}
