import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { Payload } from '../parts/payload.js';
import { brief, bytes, fromBase64, visible } from '../text.js';
import { ExactNumber } from './exact-json.js';

const MAX_CELL = 300;
const MAX_HEX = 32;

/** A value of a row. A shortened value, or bytes, can be opened in full. */
export function Cell({ column, value }: { column: string; value: unknown }) {
  if (value === null || value === undefined) return <span class="faint">null</span>;
  const base64 = base64Of(value);
  if (base64 !== null) {
    return (
      <Whole column={column} base64={base64}>
        {hexOf(base64)}
      </Whole>
    );
  }
  const text =
    value instanceof ExactNumber ? value.text : typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= MAX_CELL) return <>{brief(text, MAX_CELL)}</>;
  return (
    <Whole column={column} text={text}>
      {brief(text, MAX_CELL)}
    </Whole>
  );
}

interface WholeProps {
  column: string;
  text?: string;
  base64?: string;
  /** The content of the cell. */
  children: string;
}

function Whole({ column, text, base64, children }: WholeProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <button type="button" class="quiet cell" onClick={() => setIsOpen(true)}>
        {children}
      </button>
      {isOpen && (
        <Dialog title={visible(column.slice(0, 200))} onClose={() => setIsOpen(false)}>
          <Payload label="Value" text={text} base64={base64} name="value" />
          <div class="buttons">
            <button type="button" class="primary" onClick={() => setIsOpen(false)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Returns the Base64 text of a blob, which the API sends as `{"$blob": "<base64>"}`. */
function base64Of(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('$blob' in value)) return null;
  return typeof value.$blob === 'string' ? value.$blob : null;
}

function hexOf(base64: string): string {
  const data = fromBase64(base64);
  const shown = [...data.subarray(0, MAX_HEX)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `x'${data.length > MAX_HEX ? `${shown}…` : shown}' (${bytes(data.length)})`;
}
