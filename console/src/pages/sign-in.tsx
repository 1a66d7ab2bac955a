import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { call } from '../api/request.js';
import { openSession, session, sessionWasRejected } from '../api/session.js';
import { signInWithWallet } from '../api/wallet.js';
import { Field, Form } from '../parts/form.js';
import { KeyForm } from '../parts/key-form.js';
import { showMessage } from '../parts/messages.js';
import { brief } from '../text.js';

/**
 * Returns the token of a sign-in link and removes it from the URL, so that it does not appear in
 * the history or a screenshot.
 */
export function takeLinkToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

const REJECTED =
  'The engine no longer accepts this session: it or its key has expired or has been revoked. Sign in again.';

interface SignInProps {
  /** The token of a sign-in link, which is exchanged at once. */
  link: string | null;
  /** Called when the token has been exchanged or rejected. */
  onLinkUsed(): void;
}

export function SignInPage({ link, onLinkUsed }: SignInProps) {
  const [failure, setFailure] = useState<string | null>(sessionWasRejected() ? REJECTED : null);

  useEffect(() => {
    document.title = 'Sign in · Orama console';
    if (link === null) return;
    setFailure(null);
    call<Parameters<typeof openSession>[0]>('POST', '/v1/auth/console-sessions', {
      json: { token: link },
      isChange: false,
    })
      .then(openSession)
      .catch((error: unknown) => {
        setFailure(messageOf(error));
        // The earlier session remains, and its page has no place of its own for this.
        if (session() !== null) showMessage('error', messageOf(error));
      })
      .finally(onLinkUsed);
  }, [link]);

  if (link !== null) {
    return (
      <main class="sign-in">
        <p role="status">Signing in…</p>
      </main>
    );
  }
  return (
    <main class="sign-in">
      <h1>
        <span class="logo" aria-hidden="true" /> Orama console
      </h1>
      {failure !== null && (
        <p class="notice bad" role="alert">
          {brief(failure, 1000)}
        </p>
      )}
      <KeyForm />
      {window.ethereum && <WalletSignIn wallet={window.ethereum} />}
      <p class="faint">
        On the engine's own machine, <code>orama console</code> prints a link that signs in.
      </p>
    </main>
  );
}

function WalletSignIn({ wallet }: { wallet: NonNullable<Window['ethereum']> }) {
  const [namespace, setNamespace] = useState('');
  return (
    <Form
      label="Sign in with a wallet"
      submit="Sign in with the wallet"
      disabled={namespace === ''}
      onSubmit={() => signInWithWallet(wallet, namespace)}
    >
      <Field label="Namespace" name="namespace" hint="The one that the wallet owns, or a free one to claim.">
        {(attributes) => (
          <input
            {...attributes}
            value={namespace}
            onInput={(event) => setNamespace(event.currentTarget.value)}
          />
        )}
      </Field>
    </Form>
  );
}
