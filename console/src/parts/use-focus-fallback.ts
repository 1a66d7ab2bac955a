import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/**
 * Moves the focus to the content of the page when the element that has it, or the dialog that would
 * give it back to it, is removed: it would be lost, and the next Tab begin at the top of the page.
 * While a dialog is open, the page behind it takes no focus: the first button of the dialog, which
 * changes nothing, gets it.
 */
export function useFocusFallback(of: RefObject<HTMLElement | null>): void {
  // The cleanup of a layout effect runs while the element is still in the page.
  useLayoutEffect(
    () => () => {
      const focused = document.activeElement;
      if (!of.current?.contains(focused) && !focused?.closest('dialog')) return;
      // The page for signing in has none.
      const content = document.getElementById('content');
      queueMicrotask(() => {
        if (document.activeElement !== document.body) return;
        const inDialog = document.querySelector<HTMLElement>('dialog[open] button');
        (inDialog ?? content)?.focus({ preventScroll: true });
      });
    },
    [],
  );
}
