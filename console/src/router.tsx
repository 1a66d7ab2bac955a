import type { ComponentChildren } from 'preact';
import { useSyncExternalStore } from 'preact/compat';
import { useEffect, useRef } from 'preact/hooks';
import { saveScrollPosition } from './scroll-position.js';

const BASE = '/console';
const CHANGED = 'orama:navigated';

export interface Place {
  /**
   * The path below `/console` without a trailing slash, such as `/functions/resize`; '' for the
   * overview.
   */
  path: string;
  query: URLSearchParams;
}

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener);
  addEventListener(CHANGED, listener);
  return () => {
    removeEventListener('popstate', listener);
    removeEventListener(CHANGED, listener);
  };
}

export function usePlace(): Place {
  const shown = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const url = new URL(shown, location.origin);
  return { path: url.pathname.slice(BASE.length).replace(/\/$/, ''), query: url.searchParams };
}

function navigate(to: string): void {
  saveScrollPosition();
  history.pushState(null, '', BASE + to);
  dispatchEvent(new Event(CHANGED));
  scrollTo(0, 0);
}

/**
 * Returns a function that navigates only while the component is shown: the reply to a slow request
 * must not take its user away from another page.
 */
export function useNavigate(): (to: string) => void {
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return (to) => {
    if (isShown.current) navigate(to);
  };
}

/**
 * Sets query parameters that the user has chosen, as a new entry of the history. The URL can be
 * shared. Empty parameters are removed.
 */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href === location.href) return;
  saveScrollPosition();
  history.pushState(null, '', url.pathname + url.search);
  dispatchEvent(new Event(CHANGED));
}

export interface LinkProps {
  to: string;
  children: ComponentChildren;
  class?: string;
  isCurrent?: boolean;
  onFollow?(): void;
}

/**
 * A link that navigates without a page load. With a modifier key, it behaves like any other link.
 */
export function Link({ to, children, isCurrent, onFollow, ...others }: LinkProps) {
  return (
    <a
      {...others}
      href={BASE + to}
      aria-current={isCurrent ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
        event.preventDefault();
        onFollow?.();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
