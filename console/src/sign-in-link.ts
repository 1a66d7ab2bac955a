import { useEffect, useState } from 'preact/hooks';
import { messageOf } from './api/error.js';
import { call } from './api/request.js';
import { onSession, openSession, session } from './api/session.js';
import { showMessage } from './parts/messages.js';

export interface SignInLink {
  isPending: boolean;
  /** Why the engine has refused the last link. */
  failure: string | null;
}

/** Exchanges the token of a link with which the page is opened, also while it is open. */
export function useSignInLink(): SignInLink {
  const [token, setToken] = useState(takeToken);
  const [failure, setFailure] = useState<string | null>(null);
  // Opening a link while this page is open does not reload the page.
  useEffect(() => {
    const take = () => setToken((old) => takeToken() ?? old);
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  // A later page for signing in must not show it instead of why that session has ended.
  useEffect(() => onSession(() => session() !== null && setFailure(null)), []);
  useEffect(() => {
    if (token === null) return;
    setFailure(null);
    call<Parameters<typeof openSession>[0]>('POST', '/v1/auth/console-sessions', {
      json: { token },
      isAnonymous: true,
      isChange: false,
    })
      .then(openSession)
      .catch((error: unknown) => {
        // An earlier session remains, and its page has no place of its own for this.
        if (session() === null) setFailure(messageOf(error));
        else showMessage('error', messageOf(error));
      })
      // Another link may have been opened meanwhile.
      .finally(() => setToken((current) => (current === token ? null : current)));
  }, [token]);
  return { isPending: token !== null, failure };
}

/**
 * Returns the token of a sign-in link and removes it from the URL, so that it does not appear in
 * the history or a screenshot.
 */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
