import { Payload } from '../parts/payload.js';
import { ScrollArea } from '../parts/scroll-area.js';
import { Link } from '../router.js';
import { milliseconds, visible } from '../text.js';
import type { HttpReply } from '../types.js';

/** The response of an HTTP function: status, headers, body, and its invocation. */
export function HttpReplyView({ of: reply, name }: { of: HttpReply; name: string }) {
  const lines = Object.entries(reply.headers).flatMap(([header, value]) =>
    [value].flat().map((each) => `${header}: ${each}`),
  );
  return (
    <>
      <p role="status">
        <span class={reply.status < 400 ? 'state state-success' : 'state state-error'}>
          <span aria-hidden="true">{reply.status < 400 ? '✓' : '✕'}</span>
          {reply.status}
        </span>{' '}
        in {milliseconds(reply.duration_ms)}
        {reply.request_id !== null && (
          <>
            {' · '}
            <Link to={`/invocations/${reply.request_id}`}>show the invocation</Link>
          </>
        )}
      </p>
      <h3>Headers</h3>
      <ScrollArea class="text" label="Reply headers">
        {visible(lines.join('\n'))}
      </ScrollArea>
      <h3>Body</h3>
      <Payload label="Reply body" text={reply.body} base64={reply.body_base64} name={name} />
    </>
  );
}
