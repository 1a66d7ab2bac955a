interface PagerProps {
  /** What the pages are of. */
  label: string;
  /** Counts from 1. */
  number: number;
  /** The cursor of the page behind this one; null when this is the last. */
  next: string | null;
  newer(): void;
  older(cursor: string): void;
}

/** Steps through a list that the engine gives page by page; nothing where there is one page. */
export function Pager({ label, number, next, newer, older }: PagerProps) {
  if (number === 1 && next === null) return null;
  return (
    <nav class="pages" aria-label={`Pages of ${label}`}>
      <button type="button" disabled={number === 1} onClick={newer}>
        Newer
      </button>
      <span>Page {number}</span>
      <button type="button" disabled={next === null} onClick={() => next !== null && older(next)}>
        Older
      </button>
    </nav>
  );
}
