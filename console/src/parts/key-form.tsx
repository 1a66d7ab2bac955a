import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { openSession } from '../api/session.js';
import { Field, Form } from './form.js';

/** Signs in with an API key. The key is not stored: it is exchanged for a session token. */
export function KeyForm() {
  const [key, setKey] = useState('');
  // A header cannot hold other characters.
  const problem = /[^!-~]/.test(key.trim())
    ? 'A key consists of ASCII letters, digits and signs, without spaces.'
    : undefined;
  const signIn = async () => {
    openSession(
      await call('POST', '/v1/auth/console-sessions', {
        headers: { 'X-API-Key': key.trim() },
        json: {},
        isAnonymous: true,
        isChange: false,
      }),
    );
  };
  return (
    <Form
      label="Sign in with an API key"
      submit="Sign in"
      disabled={key.trim() === '' || problem !== undefined}
      onSubmit={signIn}
    >
      <Field
        label="API key"
        hint="Sent once, for a session of this tab; the key itself is not kept."
        problem={problem}
      >
        {(attributes) => (
          <input
            {...attributes}
            type="password"
            autocomplete="off"
            spellcheck={false}
            placeholder="ak_…:namespace"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        )}
      </Field>
    </Form>
  );
}
