/**
 * Calls `start` whenever the page becomes visible and aborts its signal when the page is hidden. A
 * hidden page should have no connection, because browsers limit an origin to six for all its tabs.
 * Returns a function that stops it.
 */
export function whileVisible(start: (signal: AbortSignal) => void): () => void {
  let control: AbortController | null = null;
  const update = () => {
    if (document.hidden) {
      control?.abort();
      control = null;
    } else if (control === null) {
      control = new AbortController();
      start(control.signal);
    }
  };
  update();
  document.addEventListener('visibilitychange', update);
  return () => {
    document.removeEventListener('visibilitychange', update);
    control?.abort();
  };
}
