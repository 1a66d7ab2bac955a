import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { Dialog } from './dialog.js';
import { tell } from './messages.js';

interface ActionProps {
  label: string;
  /** For those who hear and do not see which row the button is in. */
  name?: string;
  class?: string;
  disabled?: boolean;
  /** What is asked first, for what cannot be taken back. */
  confirm?: { title: string; text: ComponentChildren; label: string };
  /** What it came to, to be said. */
  run(): Promise<string | undefined>;
}

/** A button that does something: at most once at a time, asked for first where it destroys, and it says how it went. */
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
