import type { RequestId } from '../contract/ids.js';
import { uuidv7 } from '../uuid.js';

/** A new id for an invocation. Of our own making, it needs no parser to say that it is one. */
export function newRequestId(): RequestId {
  return uuidv7() as RequestId;
}
