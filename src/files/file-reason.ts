import { nodeErrorCode } from '../node-error-code.js';

/** Descriptions of file errors by the code of the error of Node. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EEXIST: 'something else has this name',
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EFBIG: 'the file would be too large',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk failed',
};

/** Returns the reason in a few words, with the POSIX name, since people search for it. */
export function fileReason(error: unknown): string {
  const code = nodeErrorCode(error);
  const reason = REASONS[code];
  if (reason !== undefined) return `${reason} (${code})`;
  return code === '' ? 'it failed' : `it failed with ${code}`;
}
