import { useEffect, useState } from 'preact/hooks';
import { sessionWasRejected } from '../api/session.js';
import { signInWithWallet } from '../api/wallet.js';
import { Field, Form } from '../parts/form.js';
import { KeyForm } from '../parts/key-form.js';
import type { SignInLink } from '../sign-in-link.js';
import { brief } from '../text.js';

const REJECTED =
  'The engine no longer accepts this session: it or its key has expired or has been revoked. Sign in again.';

export function SignInPage({ link }: { link: SignInLink }) {
  const failure = link.failure ?? (sessionWasRejected() ? REJECTED : null);

  useEffect(() => {
    document.title = 'Sign in · Orama console';
  }, []);

  if (link.isPending) {
    return (
      <main class="sign-in" tabIndex={-1}>
        <p role="status">Signing in…</p>
      </main>
    );
  }
  return (
    <main class="sign-in" tabIndex={-1}>
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
