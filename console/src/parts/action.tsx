import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { Dialog } from './dialog.js';
import { showMessage } from './messages.js';
import { ignoreHeldEnter, isSecondClick } from './repeats.js';
import { useFocusFallback } from './use-focus-fallback.js';

interface ActionProps {
  label: string;
  /** The accessible name, for buttons whose row is visible only on screen. */
  name?: string;
  class?: string;
  disabled?: boolean;
  /** A confirmation dialog, for actions that cannot be undone. */
  confirm?: { title: string; text: ComponentChildren; label: string };
  /** Performs the action. May resolve with a message to show. */
  run(): Promise<string | undefined>;
}

/**
 * A button that performs an action, once at a time, after a confirmation if `confirm` is set, and
 * shows the result as a message.
 */
export function Action({ label, name, disabled = false, confirm, run, class: className = '' }: ActionProps) {
  const [isConfirming, setIsConfirming] = useState(false);
  const [isRunning, setIsRunning] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useFocusFallback(button);
  const start = async () => {
    setIsConfirming(false);
    setIsRunning(true);
    try {
      const message = await run();
      if (message !== undefined) showMessage('done', message);
    } catch (error) {
      showMessage('error', messageOf(error));
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <>
      <button
        type="button"
        ref={button}
        class={className}
        // A button that becomes disabled would lose the focus.
        aria-disabled={disabled || isRunning}
        aria-label={name}
        onKeyDown={ignoreHeldEnter}
        onClick={(event) => {
          if (disabled || isRunning || isSecondClick(event)) return;
          if (confirm) setIsConfirming(true);
          else void start();
        }}
      >
        {label}
      </button>
      {confirm && isConfirming && (
        <Dialog title={confirm.title} onClose={() => setIsConfirming(false)}>
          <p>{confirm.text}</p>
          <div class="buttons">
            <button type="button" onClick={() => setIsConfirming(false)}>
              Close
            </button>
            <button type="button" class="danger" onClick={() => void start()}>
              {confirm.label}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
