import { useSyncExternalStore } from 'preact/compat';
import { visible } from '../text.js';

interface Message {
  id: number;
  kind: 'done' | 'error';
  text: string;
}

const SHOWN_MS = 6000;
const MAX_LENGTH = 600;
let messages: readonly Message[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

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
    <div class="messages" role="status" aria-live="polite">
      {shown.map(({ id, kind, text }) => (
        <div key={id} class={`message ${kind}`}>
          <span>{text}</span>
          <button type="button" class="quiet" aria-label="Close the message" onClick={() => close(id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
