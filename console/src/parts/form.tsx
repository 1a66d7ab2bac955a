import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { brief } from '../text.js';

interface FieldProps {
  label: string;
  hint?: string;
  children(attributes: { id: string; 'aria-describedby'?: string }): ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(hint === undefined ? { id } : { id, 'aria-describedby': `${id}-hint` })}
      {hint !== undefined && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}

interface FormProps {
  label: string;
  submit: string;
  disabled?: boolean;
  class?: string;
  /** Buttons before the one that submits. */
  buttons?: ComponentChildren;
  onSubmit(): Promise<void>;
  children?: ComponentChildren;
}

/** A form that shows the engine's error next to its button. */
export function Form({
  label,
  submit,
  disabled = false,
  onSubmit,
  buttons,
  children,
  class: className = '',
}: FormProps) {
  const [error, setError] = useState<string | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const send = async () => {
    // The shortcut of a code field submits the form although its button is disabled.
    if (disabled || isRunning) return;
    setIsRunning(true);
    setError(null);
    try {
      await onSubmit();
    } catch (thrown) {
      setError(messageOf(thrown));
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <form
      aria-label={label}
      class={className}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {children}
      {error !== null && (
        <p class="notice bad" role="alert">
          {brief(error, 1000)}
        </p>
      )}
      <div class="buttons">
        {buttons}
        <button type="submit" class="primary" disabled={disabled || isRunning}>
          {isRunning ? 'Working…' : submit}
        </button>
      </div>
    </form>
  );
}
