/**
 * Does something until it is aborted, from the moment at which the page is seen until it is not, and
 * again when it is seen again: a hidden page holds no connection, of which browsers have six for all
 * tabs of an origin. Returns what ends it for good.
 */
export function whileSeen(start: (signal: AbortSignal) => void): () => void {
  let control: AbortController | null = null;
  const change = () => {
    if (document.hidden) {
      control?.abort();
      control = null;
    } else if (control === null) {
      control = new AbortController();
      start(control.signal);
    }
  };
  change();
  document.addEventListener('visibilitychange', change);
  return () => {
    document.removeEventListener('visibilitychange', change);
    control?.abort();
  };
}
