import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks';
import { messageOf } from '../api/error.js';
import { brief } from '../text.js';
import { ignoreHeldEnter, isSecondClick } from './repeats.js';
import { useFocusFallback } from './use-focus-fallback.js';

interface FormError {
  text: string;
  /** The name of the field that it is about; undefined for other errors. */
  field: string | undefined;
}

const ErrorContext = createContext<FormError | null>(null);

interface FieldProps {
  label: string;
  hint?: string;
  /** The name that the value has in the API: errors about it are shown at the field. */
  name?: string;
  /** Why the engine would refuse the value, if the page knows. */
  problem?: string | undefined;
  children(attributes: {
    id: string;
    name: string | undefined;
    'aria-describedby': string | undefined;
    'aria-invalid': true | undefined;
  }): ComponentChildren;
}

export function Field({ label, hint, name, problem, children }: FieldProps) {
  const id = useId();
  const error = useContext(ErrorContext);
  const refusal = name !== undefined && error?.field === name ? error.text : undefined;
  const wrong = problem ?? refusal;
  const isInvalid = wrong !== undefined;
  const describedBy = [hint !== undefined && `${id}-hint`, isInvalid && `${id}-error`].filter(Boolean);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        name,
        'aria-describedby': describedBy.join(' ') || undefined,
        'aria-invalid': isInvalid || undefined,
      })}
      {hint !== undefined && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {isInvalid && (
        <span class="field-error" id={`${id}-error`} role="alert">
          {brief(wrong, 1000)}
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

/** A form that shows the engine's error at the field that it is about, or else at its button. */
export function Form({
  label,
  submit,
  disabled = false,
  onSubmit,
  buttons,
  children,
  class: className = '',
}: FormProps) {
  const [error, setError] = useState<FormError | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useFocusFallback(form);
  useEffect(() => {
    if (error?.field === undefined) return;
    // Not while the user is already elsewhere.
    const { activeElement } = document;
    if (activeElement !== document.body && !form.current?.contains(activeElement)) return;
    const field = form.current?.elements.namedItem(error.field);
    if (field instanceof HTMLElement) field.focus();
  }, [error]);
  const send = async () => {
    if (disabled || isRunning) return;
    setIsRunning(true);
    setError(null);
    try {
      await onSubmit();
    } catch (thrown) {
      const text = messageOf(thrown);
      const names = Array.from(form.current?.elements ?? [], (each) => each.getAttribute('name') ?? '');
      setError({ text, field: names.find((name) => isAbout(text, name)) });
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <form
      ref={form}
      aria-label={label}
      class={className}
      onKeyDownCapture={ignoreHeldEnter}
      onInput={({ target }) => {
        if (error?.field === (target as Element).getAttribute('name')) setError(null);
      }}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <ErrorContext.Provider value={error}>{children}</ErrorContext.Provider>
      {error !== null && error.field === undefined && (
        <p class="notice bad" role="alert">
          {brief(error.text, 1000)}
        </p>
      )}
      <div class="buttons">
        {buttons}
        <button
          type="submit"
          class="primary"
          // A button that becomes disabled would lose the focus.
          aria-disabled={disabled || isRunning}
          onClick={(event) => isSecondClick(event) && event.preventDefault()}
        >
          {isRunning ? 'Working…' : submit}
        </button>
      </div>
    </form>
  );
}

/** Messages about a value begin with its name, such as `weights.2 must be …`. */
function isAbout(message: string, name: string): boolean {
  return name !== '' && message.startsWith(name) && /^[\s.[]/.test(message.slice(name.length));
}
