import { brief, label } from '../text.js';

/** Shows a key by its name, with its id in the title, and a wallet by its address. */
export function Actor({ of: subject, name }: { of: string; name: string | null | undefined }) {
  if (name === null || name === undefined) return <code>{brief(subject, 60)}</code>;
  return <span title={brief(subject)}>{label(name)}</span>;
}
