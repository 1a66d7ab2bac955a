import { useSyncExternalStore } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { endSession, onSession, session, userOf } from './api/session.js';
import { DataPage } from './pages/data.js';
import { DeadPage } from './pages/dead.js';
import { EventsPage } from './pages/events.js';
import { FunctionPage, isPart } from './pages/function.js';
import { FunctionsPage } from './pages/functions.js';
import { InvocationPage } from './pages/invocation.js';
import { InvocationsPage } from './pages/invocations.js';
import { KeysPage } from './pages/keys.js';
import { MessagePage } from './pages/message.js';
import { OverviewPage } from './pages/overview.js';
import { SecretsPage } from './pages/secrets.js';
import { SignInPage } from './pages/sign-in.js';
import { UsagePage } from './pages/usage.js';
import { ViewBoundary } from './parts/boundary.js';
import { Messages } from './parts/messages.js';
import { Page } from './parts/page.js';
import { Link, usePlace } from './router.js';
import { useSignInLink } from './sign-in-link.js';
import { label } from './text.js';

const NAVIGATION = [
  ['', 'Overview'],
  ['/functions', 'Functions'],
  ['/invocations', 'Invocations'],
  ['/dead', 'Dead letters'],
  ['/events', 'Events'],
  ['/secrets', 'Secrets'],
  ['/data', 'Data'],
  ['/keys', 'Keys'],
  ['/usage', 'Usage'],
] as const;

export function App() {
  const current = useSyncExternalStore(onSession, session);
  const link = useSignInLink();
  const isSignedIn = current !== null;
  const wasSignedIn = useRef(isSignedIn);
  // What had the focus has gone with the page of the session.
  useEffect(() => {
    if (wasSignedIn.current && !isSignedIn) document.querySelector('main')?.focus();
    wasSignedIn.current = isSignedIn;
  }, [isSignedIn]);
  // The page of an earlier session stays until a link has been exchanged: it may hold a draft.
  return (
    <>
      {current === null ? (
        <SignInPage link={link} />
      ) : (
        <Shell namespace={current.namespace} key={userOf(current)} />
      )}
      <Messages />
    </>
  );
}

function Shell({ namespace }: { namespace: string }) {
  const { path } = usePlace();
  const [isOpen, setIsOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const menu = useRef<HTMLButtonElement>(null);
  const first = useRef(true);
  // After a navigation, the focus moves to the beginning of the content, as after a page load.
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  const closeOnEscape = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape' || !isOpen) return;
    setIsOpen(false);
    menu.current?.focus();
  };
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="bar">
        <Link to="" class="brand">
          <span class="logo" aria-hidden="true" /> Orama
        </Link>
        <button
          type="button"
          class="menu"
          ref={menu}
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setIsOpen(!isOpen)}
          onKeyDown={closeOnEscape}
        >
          Menu
        </button>
      </header>
      <nav
        id="navigation"
        class={isOpen ? 'side open' : 'side'}
        aria-label="Console"
        onKeyDown={closeOnEscape}
      >
        <ul>
          {NAVIGATION.map(([to, name]) => (
            <li key={to}>
              <Link to={to} isCurrent={isAt(path, to)} onFollow={() => setIsOpen(false)}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
        <div class="who">
          <span class="faint">Namespace</span>
          <strong>{label(namespace)}</strong>
          <button type="button" onClick={() => void endSession()}>
            Sign out
          </button>
          <a href="/docs">API documentation</a>
        </div>
      </nav>
      <main id="content" ref={main} tabIndex={-1}>
        <Route path={path} />
      </main>
    </div>
  );
}

function isAt(path: string, to: string): boolean {
  return to === '' ? path === '' : path === to || path.startsWith(`${to}/`);
}

function Route({ path }: { path: string }) {
  const [, section = '', name = '', tab = ''] = path.split('/').map(decode);
  // With another key, the boundary of another view begins without the error of the last one.
  return <ViewBoundary key={`${section}/${name}`}>{viewOf(section, name, tab)}</ViewBoundary>;
}

function viewOf(section: string, name: string, tab: string) {
  switch (section) {
    case '':
      return <OverviewPage />;
    case 'functions':
      if (name === '') return <FunctionsPage />;
      return isPart(tab) ? <FunctionPage key={name} name={name} tab={tab} /> : <NoPage />;
    case 'invocations':
      return name === '' ? <InvocationsPage /> : <InvocationPage key={name} id={name} />;
    case 'dead':
      return <DeadPage />;
    case 'events':
      return name === '' ? <EventsPage /> : <MessagePage key={name} id={name} />;
    case 'secrets':
      return <SecretsPage />;
    case 'data':
      return <DataPage />;
    case 'keys':
      return <KeysPage />;
    case 'usage':
      return <UsagePage />;
    default:
      return <NoPage />;
  }
}

function NoPage() {
  return (
    <Page title="No such page">
      <div class="empty">
        <p>There is nothing at this address.</p>
        <Link to="">Go to the overview</Link>
      </div>
    </Page>
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
