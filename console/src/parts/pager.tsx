interface PagerProps {
  /** The name of the list. */
  label: string;
  /** The number of the page, from 1. */
  number: number;
  /** The cursor of the next page; null on the last page. */
  next: string | null;
  newer(): void;
  older(cursor: string): void;
}

/** Navigation of a list with cursor pagination; empty if there is only one page. */
export function Pager({ label, number, next, newer, older }: PagerProps) {
  if (number === 1 && next === null) return null;
  return (
    <nav class="pages" aria-label={`Pages of ${label}`}>
      <button type="button" aria-disabled={number === 1} onClick={() => number > 1 && newer()}>
        Newer
      </button>
      <span>Page {number}</span>
      <button type="button" aria-disabled={next === null} onClick={() => next !== null && older(next)}>
        Older
      </button>
    </nav>
  );
}
