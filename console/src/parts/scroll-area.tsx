import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * The distance from the end, in pixels, that still counts as the end: positions may be fractions.
 */
const AT_END_PX = 4;

interface ScrollAreaProps {
  label: string;
  class: string;
  /** Keeps the end in view while the content grows, unless it is scrolled back. */
  followsEnd?: boolean;
  children: ComponentChildren;
}

/**
 * A scrollable area that can be focused, so that it can be scrolled with the keyboard in every
 * browser.
 */
export function ScrollArea({ label, class: className, followsEnd = false, children }: ScrollAreaProps) {
  const area = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (followsEnd && isAtEnd.current) area.current?.scrollTo({ top: area.current.scrollHeight });
  });
  const onScroll = ({
    currentTarget: { scrollHeight, clientHeight, scrollTop },
  }: {
    currentTarget: Element;
  }) => {
    isAtEnd.current = scrollHeight - clientHeight - scrollTop < AT_END_PX;
  };
  return (
    <section ref={area} class={className} aria-label={label} tabIndex={0} onScroll={onScroll}>
      {children}
    </section>
  );
}
