import type { ComponentChildren } from 'preact';

interface ScrollAreaProps {
  label: string;
  class: string;
  children: ComponentChildren;
}

/** What scrolls by itself takes the focus, so that it can be scrolled by keyboard in every browser. */
export function ScrollArea({ label, class: look, children }: ScrollAreaProps) {
  return (
    <section class={look} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
