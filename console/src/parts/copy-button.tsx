import { useState } from 'preact/hooks';
import { showMessage } from './messages.js';

const COPIED_MS = 1500;

export function CopyButton({ text, what, label = 'Copy' }: { text: string; what: string; label?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setIsCopied(true);
      setTimeout(() => setIsCopied(false), COPIED_MS);
    } catch {
      // Browsers allow access to the clipboard only in secure contexts: HTTPS or localhost.
      showMessage('error', 'The browser does not let this page use the clipboard.');
    }
  };
  return (
    <button type="button" class="quiet" onClick={copy} aria-label={`${label}: ${what}`}>
      {isCopied ? 'Copied' : label}
    </button>
  );
}
