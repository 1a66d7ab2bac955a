import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { SQLite, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Annotation, EditorState, Prec } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  placeholder as placeholderText,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';

export type Language = 'json' | 'sql' | 'text';

export interface EditorOptions {
  label: string;
  language: Language;
  value: string;
  placeholder: string;
  onChange(value: string): void;
  /** Ctrl+Enter or ⌘+Enter. */
  onSubmit(): void;
}

export interface Editor {
  setValue(value: string): void;
  focus(at: number): void;
  close(): void;
}

/** Marks changes that were set from outside, which are not reported. */
const SET_FROM_OUTSIDE = Annotation.define<boolean>();

const THEME = EditorView.theme({
  '&': { maxHeight: 'inherit', minHeight: 'inherit', color: 'var(--text)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { overflow: 'auto', fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--text)', minHeight: 'inherit' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--faint)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--selection)' },
  '.cm-specialChar': { color: 'var(--bad)' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--selection)' },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.keyword], color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--faint)' },
]);

/**
 * Opens CodeMirror in a shadow root, where it uses constructed style sheets. In the document it
 * would add a `style` element, which the content security policy forbids. The Tab key is not
 * handled, so that keyboard users can leave the editor.
 */
export function openEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const { label, language, placeholder, value, onChange, onSubmit } = options;
  const submit = {
    key: 'Mod-Enter',
    run: () => {
      onSubmit();
      return true;
    },
  };
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: value,
      extensions: [
        Prec.highest(keymap.of([submit])),
        history(),
        drawSelection(),
        highlightSpecialChars(),
        bracketMatching(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        syntaxHighlighting(COLOURS),
        THEME,
        placeholderText(placeholder),
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        EditorView.updateListener.of(({ docChanged, state, transactions }) => {
          if (docChanged && !transactions.some((each) => each.annotation(SET_FROM_OUTSIDE)))
            onChange(state.doc.toString());
        }),
        ...(language === 'json' ? [json()] : language === 'sql' ? [sql({ dialect: SQLite })] : []),
      ],
    }),
  });
  return {
    setValue(next) {
      const { doc } = view.state;
      if (doc.length === next.length && doc.toString() === next) return;
      view.dispatch({
        changes: { from: 0, to: doc.length, insert: next },
        annotations: SET_FROM_OUTSIDE.of(true),
      });
    },
    focus(at) {
      view.focus();
      view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) } });
    },
    close: () => view.destroy(),
  };
}
