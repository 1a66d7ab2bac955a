import { brief } from '../text.js';

const HASH_CHARACTERS = 12;

/** Shows the beginning of a commit's hash, with `-dirty` if there were uncommitted changes. */
export function Commit({ of: commit }: { of: string }) {
  const [hash = '', ...dirty] = commit.split('-');
  return <code title={brief(commit)}>{brief([hash.slice(0, HASH_CHARACTERS), ...dirty].join('-'))}</code>;
}
