import { AppError } from '../errors.js';

export function absentBlob(cid: string): AppError {
  return new AppError('not_found', `No blob is stored under "${cid}"`);
}
