import type { RequestId } from '../contract/ids.js';
import { uuidv7 } from '../uuid.js';

/** Generates the id of an invocation. The cast is safe without parsing. */
export function newRequestId(): RequestId {
  return uuidv7() as RequestId;
}
