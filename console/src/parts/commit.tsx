import { brief } from '../text.js';

const HASH_CHARACTERS = 12;

/** The beginning of a commit's hash, with `-dirty` where there were changes beside it. */
export function Commit({ of: commit }: { of: string }) {
  const [hash = '', ...dirty] = commit.split('-');
  return <code title={brief(commit)}>{brief([hash.slice(0, HASH_CHARACTERS), ...dirty].join('-'))}</code>;
}
