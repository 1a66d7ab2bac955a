import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { endSession } from '../api/session.js';
import { brief } from '../text.js';
import { Page } from './page.js';

/** Renders `instead` in place of children that throw. */
function useFallback(children: ComponentChildren, instead: (error: unknown) => ComponentChildren) {
  // The browser's console has the stack.
  const [error] = useErrorBoundary((thrown) => reportError(thrown));
  return <>{error === undefined ? children : instead(error)}</>;
}

/** Around the view of a page: what is around it remains, such as the navigation. */
export function ViewBoundary({ children }: { children: ComponentChildren }) {
  return useFallback(children, (error) => (
    <Page title="Something broke">
      <div class="empty">
        <Broken error={error} />
      </div>
    </Page>
  ));
}

/** Around everything. A stored session that cannot be shown would break every load of the page. */
export function AppBoundary({ children }: { children: ComponentChildren }) {
  return useFallback(children, (error) => (
    <main class="empty">
      <h1>Something broke</h1>
      <Broken error={error} />
      <button type="button" onClick={() => void endSession().then(() => location.reload())}>
        Sign out
      </button>
    </main>
  ));
}

function Broken({ error }: { error: unknown }) {
  return (
    <>
      <div role="alert">
        <p>The console cannot show this page because of a fault of its own:</p>
        <p>{brief(messageOf(error), 1000)}</p>
      </div>
      <p>
        <button type="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </p>
      <p>
        {/* A page load and not a navigation: the router may be what broke. */}
        <a href="/console">Go to the overview</a>
      </p>
    </>
  );
}
