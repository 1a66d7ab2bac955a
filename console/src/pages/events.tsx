import { useEffect, useState } from 'preact/hooks';
import { call, request } from '../api/request.js';
import { accessToken } from '../api/session.js';
import { CodeField } from '../parts/code-field.js';
import { Field, Form } from '../parts/form.js';
import { LiveMark } from '../parts/live-mark.js';
import { Moment } from '../parts/moment.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Link, setQuery, usePlace } from '../router.js';
import { brief, bytes, count, cut, fromBase64, hexDump, outputOf, plural } from '../text.js';
import type { TopicsReply } from '../types.js';
import { useResource } from '../use-resource.js';

const TOPICS_MS = 5000;
const RECONNECT_MS = 3000;
const GATHER_MS = 200;
const MAX_MESSAGES = 200;
const MAX_TOPICS = 200;
const HEX_BYTES = 512;

export function EventsPage() {
  const { query } = usePlace();
  const topic = query.get('topic') ?? '';
  const topics = useResource(
    'topics',
    (signal) => call<TopicsReply>('GET', '/v1/pubsub/topics', { signal }),
    TOPICS_MS,
  );
  return (
    <Page title="Events">
      <div class="halves">
        <Publish topic={topic} />
        <Panel title="Topics">
          <ResourceView
            of={topics}
            what="the topics"
            isEmpty={({ topics: all }) => all.length === 0}
            empty={<p>No topic has a trigger or a live subscriber.</p>}
          >
            {({ topics: all }) => (
              <ul class="chips">
                {all.slice(0, MAX_TOPICS).map((each) => (
                  <li key={each}>
                    <button
                      type="button"
                      aria-pressed={each === topic}
                      onClick={() => setQuery({ topic: each })}
                    >
                      {brief(each, 80)}
                    </button>
                  </li>
                ))}
                {all.length > MAX_TOPICS && (
                  <li class="faint">{count(all.length - MAX_TOPICS)} more; write one of them below.</li>
                )}
              </ul>
            )}
          </ResourceView>
        </Panel>
      </div>
      <Live topic={topic} key={topic} />
    </Page>
  );
}

function Publish({ topic: chosen }: { topic: string }) {
  const [topic, setTopic] = useState(chosen);
  const [data, setData] = useState('{}');
  const [published, setPublished] = useState<{ id: string; triggered: number } | null>(null);
  useEffect(() => setTopic(chosen), [chosen]);
  const publish = async () => {
    // As it is written: reading it here would round its numbers.
    const message = isJson(data) ? data : JSON.stringify(data);
    const response = await request('POST', '/v1/pubsub/publish', {
      body: `{"topic":${JSON.stringify(topic)},"data":${message}}`,
      headers: { 'Content-Type': 'application/json' },
    });
    const { triggered } = (await response.json()) as { triggered: number };
    setPublished({ id: response.headers.get('x-message-id') ?? '', triggered });
  };
  return (
    <Panel title="Publish">
      <Form label="Publish a message" submit="Publish" disabled={topic === ''} onSubmit={publish}>
        <Field label="Topic">
          {(attributes) => (
            <input
              {...attributes}
              placeholder="orders:new"
              value={topic}
              onInput={(event) => setTopic(event.currentTarget.value)}
            />
          )}
        </Field>
        <CodeField
          label="Data"
          hint="JSON, else it is sent as a string."
          language="json"
          rows={5}
          value={data}
          onChange={setData}
        />
      </Form>
      {published !== null && (
        <p role="status">
          Published; it has fired {plural(published.triggered, 'invocation')}.{' '}
          {published.triggered > 0 && <Link to={`/events/${published.id}`}>Show what it does</Link>}
        </p>
      )}
    </Panel>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Message {
  id: number;
  at: number;
  topic: string;
  data: { text?: string; base64?: string };
}

/** What is published on one topic, as it is published. */
function Live({ topic }: { topic: string }) {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [isConnected, setIsConnected] = useState(false);
  const [asked, setAsked] = useState(topic);

  useEffect(() => {
    if (topic === '') return undefined;
    return subscribe(topic, setIsConnected, (next) =>
      setMessages((old) => [...next, ...old].slice(0, MAX_MESSAGES)),
    );
  }, [topic]);

  return (
    <Panel title="Live messages" aside={topic !== '' && <LiveMark isConnected={isConnected} />}>
      <Form
        label="Listen to a topic"
        submit="Listen"
        class="inline"
        disabled={asked === ''}
        onSubmit={async () => setQuery({ topic: asked })}
      >
        <Field label="Topic to listen to">
          {(attributes) => (
            <input
              {...attributes}
              placeholder="orders:new"
              value={asked}
              onInput={(event) => setAsked(event.currentTarget.value)}
            />
          )}
        </Field>
      </Form>
      {messages.length === 0 ? (
        <div class="empty">
          <p>
            {topic === ''
              ? 'Choose a topic to see its messages.'
              : 'Nothing has been published since this page listens.'}
          </p>
        </div>
      ) : (
        <ol class="live" aria-label={`Messages on ${topic}`}>
          {messages.map(({ id, at, data }) => (
            <li key={id}>
              <Moment at={new Date(at).toISOString()} short />
              <pre>{data.base64 === undefined ? cut(data.text ?? '') : hexOf(data.base64)}</pre>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

function hexOf(base64: string): string {
  const data = fromBase64(base64);
  const rest = data.length - HEX_BYTES;
  return hexDump(data.subarray(0, HEX_BYTES)) + (rest > 0 ? `\n… (${bytes(rest)} more)` : '');
}

let lastId = 0;

function subscribe(
  topic: string,
  onState: (isConnected: boolean) => void,
  onMessages: (messages: Message[]) => void,
): () => void {
  let socket: WebSocket | null = null;
  let isClosed = false;
  let gathered: Message[] = [];
  let retry: ReturnType<typeof setTimeout> | undefined;
  const timer = setInterval(() => {
    if (gathered.length === 0) return;
    onMessages(gathered.toReversed());
    gathered = [];
  }, GATHER_MS);

  const connect = async () => {
    const token = await accessToken().catch(() => null);
    if (isClosed || token === null) return;
    const url = new URL('/v1/pubsub/ws', location.origin);
    url.protocol = url.protocol.replace('http', 'ws');
    // Browsers can set no headers on a WebSocket.
    url.search = new URLSearchParams({ topic, token }).toString();
    socket = new WebSocket(url);
    socket.onopen = () => onState(true);
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const frame = JSON.parse(data) as { data?: string; timestamp: number; topic: string };
      if (frame.data === undefined) return;
      const message = {
        id: ++lastId,
        at: frame.timestamp,
        topic: frame.topic,
        data: outputOf(fromBase64(frame.data)),
      };
      gathered = [...gathered.slice(1 - MAX_MESSAGES), message];
    };
    socket.onclose = () => {
      onState(false);
      if (!isClosed) retry = setTimeout(() => void connect(), RECONNECT_MS);
    };
  };
  void connect();
  return () => {
    isClosed = true;
    clearInterval(timer);
    clearTimeout(retry);
    socket?.close();
  };
}
