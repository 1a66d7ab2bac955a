/** The second click of a double click, by which nobody means to act twice. */
export function isSecondClick(event: MouseEvent): boolean {
  return event.detail > 1;
}

/** A key that is held down presses a button again and again. Text may have many line breaks. */
export function ignoreHeldEnter(event: KeyboardEvent): void {
  if (!event.repeat || event.key !== 'Enter') return;
  const { target } = event;
  // A code editor is in a shadow root.
  const isText = target instanceof HTMLTextAreaElement || (target instanceof Element && target.shadowRoot);
  if (isText && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
}
