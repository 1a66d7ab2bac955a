import { fromBase64, outputOf } from '../text.js';
import { ApiError } from './error.js';
import { request } from './request.js';
import { accessToken } from './session.js';

const RECONNECT_MS = 3000;
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

/** Subscribes to a topic until the signal is aborted. Reconnects when the socket is closed. */
export async function subscribe(
  topic: string,
  { signal, onMessage, onState }: SubscribeOptions,
): Promise<void> {
  while (!signal.aborted) {
    let failure: unknown;
    try {
      const wasOpen = await openSocket(topic, signal, onMessage, () => onState(true));
      // Browsers do not report why a WebSocket was rejected; the same request without an upgrade
      // does.
      if (!wasOpen) await assertAllowed(topic, signal);
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    onState(false, failure);
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

/** Opens one socket and resolves when it is closed, with whether it was ever open. */
async function openSocket(
  topic: string,
  signal: AbortSignal,
  onMessage: SubscribeOptions['onMessage'],
  onOpen: () => void,
): Promise<boolean> {
  const token = await accessToken();
  if (signal.aborted || token === null) return true;
  const url = new URL(PATH, location.origin);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = new URLSearchParams({ topic }).toString();
  // The token is not part of the URL, because proxies log URLs, and browsers cannot set other
  // headers.
  const socket = new WebSocket(url, ['orama', `orama.bearer.${base64Url(token)}`]);
  const close = () => socket.close();
  signal.addEventListener('abort', close, { once: true });
  let wasOpen = false;
  socket.onopen = () => {
    wasOpen = true;
    onOpen();
  };
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const frame = JSON.parse(data) as { data?: string; timestamp: number; topic: string };
    if (frame.data === undefined) return;
    onMessage({
      id: ++lastId,
      at: frame.timestamp,
      topic: frame.topic,
      data: outputOf(fromBase64(frame.data)),
    });
  };
  await new Promise((resolve) => {
    socket.onclose = resolve;
  });
  signal.removeEventListener('abort', close);
  return wasOpen;
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
