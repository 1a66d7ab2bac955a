import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { Dialog } from './dialog.js';
import { tell } from './messages.js';

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
export function Action({ label, name, disabled = false, confirm, run, class: look = '' }: ActionProps) {
  const [isAsking, setIsAsking] = useState(false);
  const [isRunning, setIsRunning] = useState(false);
  const start = async () => {
    setIsAsking(false);
    setIsRunning(true);
    try {
      const said = await run();
      if (said !== undefined) tell('done', said);
    } catch (error) {
      tell('error', messageOf(error));
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <>
      <button
        type="button"
        class={look}
        disabled={disabled || isRunning}
        aria-label={name}
        onClick={() => (confirm ? setIsAsking(true) : void start())}
      >
        {label}
      </button>
      {confirm && isAsking && (
        <Dialog title={confirm.title} onClose={() => setIsAsking(false)}>
          <p>{confirm.text}</p>
          <div class="buttons">
            <button type="button" onClick={() => setIsAsking(false)}>
              Keep
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
