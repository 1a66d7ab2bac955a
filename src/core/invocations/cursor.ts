import * as z from 'zod';
import { requestIdSchema } from '../../contract/ids.js';
import { AppError } from '../../errors.js';

const positionSchema = z.union([
  z.object({ part: z.literal('live'), at: z.literal('').or(requestIdSchema) }),
  // The store validates the cursor of ended invocations.
  z.object({ part: z.literal('ended'), at: z.string() }),
]);
/** The position of a listing: among the live or among the ended invocations. */
export type Position = z.input<typeof positionSchema>;

export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

export function decodeCursor(cursor: string | undefined): Position {
  if (cursor === undefined) return { part: 'live', at: '' };
  try {
    return positionSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (error) {
    throw new AppError('invalid_request', 'cursor must be a next_cursor of an earlier page, unchanged.', {
      cause: error,
    });
  }
}
