import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { isRefused, messageOf } from '../api/error.js';
import { brief } from '../text.js';
import type { Resource } from '../use-resource.js';
import { useFocusFallback } from './use-focus-fallback.js';

interface ResourceViewProps<T> {
  of: Resource<T>;
  /** The name of the resource in messages, such as "the functions". */
  what: string;
  isEmpty?(data: T): boolean;
  empty?: ComponentChildren;
  children(data: T): ComponentChildren;
}

/** Renders a resource or its state: loading, failed, forbidden, not found or empty. */
export function ResourceView<T>({ of, what, isEmpty, empty, children }: ResourceViewProps<T>) {
  const { data, error, isLoading, reload } = of;
  if (data === undefined) {
    if (isLoading) return <Skeleton what={what} />;
    return <Failure error={error} what={what} retry={reload} />;
  }
  return (
    <>
      {error !== undefined && (
        <p class="notice warn" role="status">
          Not up to date: {brief(messageOf(error), 1000)}
        </p>
      )}
      {isEmpty?.(data) ? <div class="empty">{empty}</div> : children(data)}
    </>
  );
}

function Skeleton({ what }: { what: string }) {
  return (
    <div class="skeleton" role="status" aria-label={`Loading ${what}`}>
      <span />
      <span />
      <span />
    </div>
  );
}

export function Failure({ error, what, retry }: { error: unknown; what: string; retry?(): void }) {
  const button = useRef<HTMLButtonElement>(null);
  useFocusFallback(button);
  const isForbidden = isRefused(error, 403);
  return (
    <div class="empty" role="alert">
      <h2>{isForbidden ? `This credential may not see ${what}` : `Could not load ${what}`}</h2>
      <p>{brief(messageOf(error), 1000)}</p>
      {isForbidden ? (
        <p>Sign in with a key that has the scope, or ask who created this key.</p>
      ) : (
        retry && (
          <button type="button" ref={button} onClick={retry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}
