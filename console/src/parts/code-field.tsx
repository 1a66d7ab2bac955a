import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Editor, Language } from './code-mirror.js';

interface CodeFieldProps {
  label: string;
  hint?: string;
  /** Why the engine would refuse the value, if the page knows. */
  problem?: string | undefined;
  language: Language;
  value: string;
  placeholder?: string;
  /** The rows of the text area that is shown until the editor is loaded. */
  rows?: number;
  onChange(value: string): void;
}

/**
 * A field for JSON or SQL. It is a usable text area until the code of the editor is loaded, which
 * then replaces it and keeps the text and the focus.
 */
export function CodeField({
  label,
  hint,
  problem,
  language,
  value,
  placeholder = '',
  rows = 8,
  onChange,
}: CodeFieldProps) {
  const id = useId();
  const host = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<Editor | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const latest = useRef({ value, onChange });
  latest.current = { value, onChange };
  /** Values that the editor has reported and that have not been passed back as `value` yet. */
  const reported = useRef<string[]>([]);

  // Without dependencies, although Biome would list some: the editor is opened once.
  useEffect(() => {
    let isUnmounted = false;
    const submit = () => host.current?.closest('form')?.requestSubmit();
    const open = async () => {
      const { openEditor } = await import('./code-mirror.js');
      const place = host.current;
      if (isUnmounted || place === null) return;
      const focusedAt = area.current === document.activeElement ? area.current?.selectionStart : undefined;
      editor.current = openEditor(place, {
        label,
        language,
        placeholder,
        value: latest.current.value,
        onChange: (next) => {
          reported.current.push(next);
          latest.current.onChange(next);
        },
        onSubmit: submit,
      });
      setIsOpen(true);
      if (focusedAt !== undefined) editor.current.focus(focusedAt);
    };
    // If the code of the editor cannot be loaded, the text area remains.
    open().catch(() => undefined);
    return () => {
      isUnmounted = true;
      editor.current?.close();
      editor.current = null;
    };
  }, [label, language, placeholder]);
  useEffect(() => {
    const at = reported.current.lastIndexOf(value);
    // Typed text is passed back with a delay. Only a value that the editor has not reported is set.
    if (at < 0) editor.current?.setValue(value);
    reported.current = at < 0 ? [] : reported.current.slice(at + 1);
  }, [value]);

  return (
    <div class="field">
      {isOpen ? <span class="label">{label}</span> : <label for={id}>{label}</label>}
      {!isOpen && (
        <textarea
          id={id}
          ref={area}
          class="code"
          rows={rows}
          spellcheck={false}
          placeholder={placeholder}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      )}
      <div class={isOpen ? `code-editor rows-${rows}` : 'code-editor closed'} ref={host} />
      {hint !== undefined && <span class="hint">{hint}</span>}
      {problem !== undefined && (
        <span class="field-error" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}
