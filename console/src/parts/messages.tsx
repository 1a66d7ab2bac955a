import { useSyncExternalStore } from 'preact/compat';
import { useState } from 'preact/hooks';
import { onSession, session, userOf } from '../api/session.js';
import { visible } from '../text.js';

interface Message {
  id: number;
  kind: 'done' | 'error';
  text: string;
}

const SHOWN_MS = 6000;
const MAX_LENGTH = 600;
/** The number of characters to which a message is shortened until its user wants more. */
const SHORT_LENGTH = 160;
let messages: readonly Message[] = [];
let lastId = 0;
const listeners = new Set<() => void>();
let owner = userOf(session());

// Messages may name what another user or namespace must not see.
onSession(() => {
  const next = userOf(session());
  if (next !== owner) set([]);
  owner = next;
});

/** Shows a message about the result of an action. Errors remain until they are closed. */
export function showMessage(kind: Message['kind'], text: string): void {
  const message = { id: ++lastId, kind, text: visible(text.slice(0, MAX_LENGTH)) };
  set([...messages.slice(-2), message]);
  if (kind === 'done') setTimeout(() => close(message.id), SHOWN_MS);
}

function close(id: number): void {
  set(messages.filter((message) => message.id !== id));
}

function set(next: readonly Message[]): void {
  messages = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Messages() {
  const shown = useSyncExternalStore(subscribe, () => messages);
  return (
    <div class="messages">
      {shown.length > 1 && (
        <button type="button" class="close-all" onClick={() => set([])}>
          Close all
        </button>
      )}
      <div class="message-list" role="status" aria-live="polite">
        {shown.map((message) => (
          <MessageView key={message.id} of={message} />
        ))}
      </div>
    </div>
  );
}

function MessageView({ of: { id, kind, text } }: { of: Message }) {
  const [isWhole, setIsWhole] = useState(false);
  const isShort = isWhole || text.length <= SHORT_LENGTH;
  return (
    <div class={`message ${kind}`}>
      <span>
        {isShort ? text : `${text.slice(0, SHORT_LENGTH)}…`}{' '}
        {!isShort && (
          <button type="button" class="quiet" onClick={() => setIsWhole(true)}>
            More
          </button>
        )}
      </span>
      <button type="button" class="quiet" aria-label="Close the message" onClick={() => close(id)}>
        ✕
      </button>
    </div>
  );
}
