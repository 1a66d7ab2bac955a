import { label } from '../text.js';

const MARKS: Readonly<Record<string, string>> = {
  success: '✓',
  completed: '✓',
  up: '✓',
  ok: '✓',
  error: '✕',
  timeout: '◷',
  dead: '✕',
  down: '✕',
  rolled_back: '↩',
  aborted: '–',
  cancelled: '–',
  queued: '○',
  running: '●',
  retrying: '↻',
};

/**
 * Shows a state as a word, a symbol and a colour, so that it does not depend on any one of them.
 */
export function State({ of }: { of: string }) {
  return (
    <span class={of in MARKS ? `state state-${of}` : 'state'}>
      <span aria-hidden="true">{MARKS[of] ?? '·'}</span>
      {label(of.replace('_', ' '))}
    </span>
  );
}
