import { brief, label } from '../text.js';

/**
 * Shows a key by its name, with its id in the title, and a wallet or a key without a name by its
 * address or id.
 */
export function Actor({ of: subject, name }: { of: string; name: string | null | undefined }) {
  const isNamed = name !== null && name !== undefined;
  return (
    <span class="long-name" title={brief(subject)}>
      {isNamed ? label(name) : <code>{brief(subject, 60)}</code>}
    </span>
  );
}
