import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { call } from '../api/request.js';
import { openSession } from '../api/session.js';
import { signInWithWallet } from '../api/wallet.js';
import { Field, Form } from '../parts/form.js';
import { KeyForm } from '../parts/key-form.js';
import { brief } from '../text.js';

/**
 * Returns the token of a sign-in link and removes it from the URL, so that it does not appear in
 * the history or a screenshot.
 */
function takeLinkToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

export function SignInPage() {
  const [link, setLink] = useState(takeLinkToken);
  const [failure, setFailure] = useState<string | null>(null);
  const [isExchanging, setIsExchanging] = useState(link !== null);

  // Opening a link while this page is open does not reload the page.
  useEffect(() => {
    const take = () => setLink((old) => takeLinkToken() ?? old);
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  useEffect(() => {
    document.title = 'Sign in · Orama console';
    if (link === null) return;
    setIsExchanging(true);
    call<Parameters<typeof openSession>[0]>('POST', '/v1/auth/console-sessions', { json: { token: link } })
      .then(openSession)
      .catch((error: unknown) => {
        setFailure(messageOf(error));
        setIsExchanging(false);
      });
  }, [link]);

  if (isExchanging) {
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
      <Field label="Namespace" hint="The one that the wallet owns, or a free one to claim.">
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
