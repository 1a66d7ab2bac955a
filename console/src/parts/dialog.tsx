import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { ignoreHeldEnter, isSecondClick } from './repeats.js';

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A native modal dialog, which traps the focus, closes with Escape and restores the focus. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // The cleanup of a layout effect runs while the dialog is still in the page. Removed while it is
  // open, it would not give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onClose={onClose}
      onKeyDownCapture={ignoreHeldEnter}
      // The first click may have been the one that opened the dialog.
      onClickCapture={(event) => isSecondClick(event) && event.stopPropagation()}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
