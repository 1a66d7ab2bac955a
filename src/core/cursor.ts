import { z } from 'zod';
import { AppError } from '../errors.js';

const positionSchema = z.object({ part: z.enum(['live', 'ended']), at: z.string() });
/** Where a listing goes on: among the live invocations, or among those that have ended. */
export type Position = z.infer<typeof positionSchema>;

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
