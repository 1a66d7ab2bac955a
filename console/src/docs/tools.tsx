import { useSyncExternalStore } from 'preact/compat';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { endSession, onSession, session } from '../api/session.js';
import { KeyForm } from '../parts/key-form.js';
import { Messages } from '../parts/messages.js';
import { plural } from '../text.js';

/** The search field and the credential with which the page sends requests. */
export function Tools({ endpoints }: { endpoints: readonly HTMLDetailsElement[] }) {
  return (
    <>
      <Search endpoints={endpoints} />
      <Session />
      <Messages />
    </>
  );
}

function Search({ endpoints }: { endpoints: readonly HTMLDetailsElement[] }) {
  const [text, setText] = useState('');
  // The text of each endpoint as the engine rendered it, before forms are added.
  const texts = useMemo(
    () => endpoints.map((endpoint) => `${endpoint.id} ${endpoint.textContent}`.toLowerCase()),
    [endpoints],
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = endpoints.filter((_, index) => words.every((word) => texts[index]?.includes(word)));

  useEffect(() => {
    const shown = new Set(found);
    for (const endpoint of endpoints) endpoint.hidden = !shown.has(endpoint);
    for (const section of document.querySelectorAll<HTMLElement>('main > section')) {
      section.hidden = section.querySelector('details.operation:not([hidden])') === null;
    }
  });
  return (
    <search class="docs-search">
      <input
        type="search"
        aria-label="Search the API"
        placeholder="Search: replay, listInvocations, X-Delay-Seconds"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <span role="status" class="faint">
        {words.length > 0 && plural(found.length, 'endpoint')}
      </span>
    </search>
  );
}

function Session() {
  const current = useSyncExternalStore(onSession, session);
  if (current !== null) {
    return (
      <p>
        Calls from this page are sent in namespace <strong>{current.namespace}</strong>.{' '}
        <a href="/console">Console</a>{' '}
        <button type="button" onClick={() => void endSession()}>
          Sign out
        </button>
      </p>
    );
  }
  return (
    <details class="docs-session">
      <summary>Sign in to try calls from this page</summary>
      <KeyForm />
    </details>
  );
}
