import { useEffect, useState } from 'preact/hooks';
import { subscribe, type TopicMessage } from '../api/subscribe.js';
import { DownloadButton } from '../parts/download-button.js';
import { Field, Form } from '../parts/form.js';
import { LiveMark } from '../parts/live-mark.js';
import { Moment } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { Failure } from '../parts/resource-view.js';
import { setQuery } from '../router.js';
import { bytes, cut, fromBase64, hexDump, MAX_SHOWN } from '../text.js';
import { whileVisible } from '../while-visible.js';

/** The interval, in milliseconds, in which new messages are shown together. */
const BATCH_INTERVAL_MS = 200;
/** The maximum number of messages in the page; older ones are dropped. */
const MAX_MESSAGES = 200;
const HEX_BYTES = 512;

/** The live messages of a topic. */
export function LiveMessages({ topic }: { topic: string }) {
  const [messages, setMessages] = useState<readonly TopicMessage[]>([]);
  const [state, setState] = useState<{ isConnected: boolean; error?: unknown }>({ isConnected: false });
  const [asked, setAsked] = useState(topic);

  useEffect(() => {
    if (topic === '') return undefined;
    let batch: TopicMessage[] = [];
    const timer = setInterval(() => {
      if (batch.length === 0) return;
      const next = batch.toReversed();
      batch = [];
      setMessages((old) => [...next, ...old].slice(0, MAX_MESSAGES));
    }, BATCH_INTERVAL_MS);
    const stop = whileVisible((signal) => {
      void subscribe(topic, {
        signal,
        onMessage: (message) => {
          batch = [...batch.slice(1 - MAX_MESSAGES), message];
        },
        onState: (isConnected, error) => setState({ isConnected, error }),
      });
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [topic]);

  return (
    <Panel
      title="Live messages"
      aside={topic !== '' && <LiveMark isConnected={state.isConnected} error={state.error} />}
    >
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
      {state.error !== undefined && <Failure error={state.error} what="the messages of this topic" />}
      {messages.length > 0 ? (
        <ol class="live" aria-label={`Messages on ${topic}`}>
          {messages.map((message) => (
            <li key={message.id}>
              <Moment at={new Date(message.at).toISOString()} short />
              <Data of={message} />
            </li>
          ))}
        </ol>
      ) : (
        state.error === undefined && (
          <div class="empty">
            <p>
              {topic === ''
                ? 'Choose a topic to see its messages.'
                : 'Nothing has been published since this page began to listen.'}
            </p>
          </div>
        )
      )}
    </Panel>
  );
}

function Data({ of: { id, data } }: { of: TopicMessage }) {
  if (data.base64 === undefined) {
    const text = data.text ?? '';
    return (
      <div class="message-data">
        <pre>{cut(text)}</pre>
        {text.length > MAX_SHOWN && (
          <DownloadButton data={text} name={`message-${id}.txt`} what={`message ${id}`} />
        )}
      </div>
    );
  }
  const raw = fromBase64(data.base64);
  const rest = raw.length - HEX_BYTES;
  return (
    <div class="message-data">
      <pre>{hexDump(raw.subarray(0, HEX_BYTES)) + (rest > 0 ? `\n… (${bytes(rest)} more)` : '')}</pre>
      <DownloadButton data={raw} name={`message-${id}.bin`} what={`message ${id}`} />
    </div>
  );
}
