import { useEffect, useState } from 'preact/hooks';
import { Payload } from '../parts/payload.js';
import { ScrollArea } from '../parts/scroll-area.js';
import { outputOf, visible } from '../text.js';

/** The maximum number of bytes that are shown of a stream. */
const MAX_BYTES = 4 << 20;

interface TryReplyProps {
  of: Response;
  name: string;
  stop(): void;
}

/**
 * Shows the status, headers and body of a response. A stream is shown as it arrives, until it is
 * stopped.
 */
export function TryReply({ of: response, name, stop }: TryReplyProps) {
  const [body, setBody] = useState<Uint8Array>(new Uint8Array());
  const [isComing, setIsComing] = useState(true);
  useEffect(() => {
    setBody(new Uint8Array());
    setIsComing(true);
    readAll(response, setBody)
      .catch(() => undefined)
      .finally(() => setIsComing(false));
  }, [response]);

  const isGood = response.status < 400;
  const { text, base64 } = outputOf(body);
  const headers = [...response.headers].map(([header, value]) => `${header}: ${value}`);
  const id = response.headers.get('x-request-id');
  return (
    <div class="try-reply">
      <p role="status">
        <span class={isGood ? 'state state-success' : 'state state-error'}>
          <span aria-hidden="true">{isGood ? '✓' : '✕'}</span>
          {response.status} {response.statusText}
        </span>{' '}
        {isComing && (
          <button type="button" onClick={stop}>
            Stop
          </button>
        )}
        {id !== null && <a href={`/console/invocations/${encodeURIComponent(id)}`}>show in the console</a>}
      </p>
      <ScrollArea class="text" label={`Headers of the reply to ${name}`}>
        {visible(headers.join('\n'))}
      </ScrollArea>
      <Payload label={`Reply to ${name}`} text={text} base64={base64} name={name} />
    </div>
  );
}

async function readAll(response: Response, onPart: (all: Uint8Array) => void): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let all = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const next = new Uint8Array(all.length + value.length);
    next.set(all);
    next.set(value, all.length);
    all = next;
    onPart(all);
    if (all.length > MAX_BYTES) return void (await reader.cancel());
  }
}
