import { brief, label } from '../text.js';

/** Who did something: a key by its name, a wallet by its address; the id is in the title. */
export function Actor({ of: subject, name }: { of: string; name: string | null | undefined }) {
  if (name === null || name === undefined) return <code>{brief(subject, 60)}</code>;
  return <span title={brief(subject)}>{label(name)}</span>;
}
