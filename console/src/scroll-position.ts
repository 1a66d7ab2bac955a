/** How long, in milliseconds, a page that is returned to may take to become as long as it was. */
const GROWTH_MS = 3000;
const RETRY_MS = 50;
const USER_EVENTS = ['wheel', 'touchstart', 'keydown', 'pointerdown'] as const;

let retry: ReturnType<typeof setTimeout> | undefined;

/** Keeps the scroll position in the history entry that is about to be left. */
export function saveScrollPosition(): void {
  history.replaceState({ top: scrollY }, '');
}

/** Scrolls a page to where it was left. Browsers try that before its content has been loaded. */
export function restoreScrollPositions(): void {
  history.scrollRestoration = 'manual';
  addEventListener('pagehide', saveScrollPosition);
  addEventListener('popstate', restore);
  for (const name of USER_EVENTS) addEventListener(name, () => clearTimeout(retry), { passive: true });
  restore();
}

function restore(): void {
  const { top = 0 } = (history.state ?? {}) as { top?: number };
  const end = performance.now() + GROWTH_MS;
  const scroll = () => {
    scrollTo(0, top);
    if (scrollY < top - 1 && performance.now() < end) retry = setTimeout(scroll, RETRY_MS);
  };
  clearTimeout(retry);
  retry = setTimeout(scroll);
}
