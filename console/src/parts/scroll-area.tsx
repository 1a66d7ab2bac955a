import type { ComponentChildren } from 'preact';

interface ScrollAreaProps {
  label: string;
  class: string;
  children: ComponentChildren;
}

/**
 * A scrollable area that can be focused, so that it can be scrolled with the keyboard in every
 * browser.
 */
export function ScrollArea({ label, class: className, children }: ScrollAreaProps) {
  return (
    <section class={className} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
