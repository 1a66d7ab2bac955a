import { fromBase64, outputOf } from '../text.js';
import { ApiError } from './error.js';
import { reconnect } from './reconnect.js';
import { request } from './request.js';
import { validSession } from './session.js';

/** The engine sends a heartbeat every 15 s. */
const SILENCE_MS = 45_000;
const PATH = '/v1/pubsub/ws';
const UPGRADE_REQUIRED = 426;

export interface TopicMessage {
  id: number;
  at: number;
  topic: string;
  data: { text?: string; base64?: string };
}

interface SubscribeOptions {
  signal: AbortSignal;
  onMessage(message: TopicMessage): void;
  /** Called when the socket connects or disconnects; with the error if the engine rejected it. */
  onState(isConnected: boolean, error?: unknown): void;
}

let lastId = 0;

/**
 * Subscribes to a topic until the signal is aborted or the engine refuses it for good. Reconnects
 * when the socket is closed.
 */
export function subscribe(topic: string, { signal, onMessage, onState }: SubscribeOptions): Promise<void> {
  const connect = async () => {
    const wasOpen = await openSocket(topic, signal, onMessage, () => onState(true));
    // Browsers do not report why a WebSocket was rejected; the same request without an upgrade
    // does.
    if (!wasOpen) await assertAllowed(topic, signal);
  };
  return reconnect(connect, { signal, onEnd: (error) => onState(false, error) });
}

/**
 * Opens one socket and resolves with whether it was ever open, when it is closed or has been
 * silent: the browser does not report that the engine's host or network has vanished.
 */
async function openSocket(
  topic: string,
  signal: AbortSignal,
  onMessage: SubscribeOptions['onMessage'],
  onOpen: () => void,
): Promise<boolean> {
  const session = await validSession();
  if (signal.aborted || session === null) return true;
  const url = new URL(PATH, location.origin);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = new URLSearchParams({ topic, heartbeat: 'true' }).toString();
  // The token is not part of the URL, because proxies log URLs, and browsers cannot set other
  // headers.
  const socket = new WebSocket(url, ['orama', `orama.bearer.${base64Url(session.accessToken)}`]);
  let wasOpen = false;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let end = () => {};
  await new Promise<void>((resolve) => {
    end = resolve;
    const expectMore = () => {
      clearTimeout(silence);
      silence = setTimeout(resolve, SILENCE_MS);
    };
    expectMore();
    socket.onopen = () => {
      expectMore();
      wasOpen = true;
      onOpen();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      expectMore();
      const message = readFrame(data);
      if (message !== undefined) onMessage(message);
    };
    socket.onclose = end;
    signal.addEventListener('abort', end);
  });
  signal.removeEventListener('abort', end);
  clearTimeout(silence);
  // The close event of a lost socket may come much later, and messages before it.
  socket.onopen = socket.onmessage = null;
  socket.close();
  return wasOpen;
}

/** Returns nothing for frames that are no messages, such as heartbeats. */
function readFrame(text: string): TopicMessage | undefined {
  const { data, timestamp, topic } = JSON.parse(text) as { data?: string; timestamp: number; topic: string };
  if (data === undefined) return undefined;
  return { id: ++lastId, at: timestamp, topic, data: outputOf(fromBase64(data)) };
}

async function assertAllowed(topic: string, signal: AbortSignal): Promise<void> {
  try {
    await request('GET', PATH, { query: { topic }, signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== UPGRADE_REQUIRED) throw error;
  }
}

function base64Url(token: string): string {
  return btoa(token).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
