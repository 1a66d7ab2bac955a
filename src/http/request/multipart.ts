import type { Context } from 'koa';
import { MB } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { BodyReservation } from './buffer-limits.js';
import {
  createFormParser,
  type FormParser,
  type FormSpec,
  formTooLarge,
  MAX_FIELD_BYTES,
  type Upload,
} from './form-parser.js';
import { consumeBody } from './read-body.js';

/** Allowance for boundaries and part headers. */
const OVERHEAD_BYTES = MB;

/** Reads a form with one file. */
export async function readForm(
  ctx: Context,
  spec: FormSpec,
  reservation: BodyReservation | null,
): Promise<Upload> {
  const { file: name, maxFileBytes } = spec;
  const contentType = ctx.get('content-type');
  if (!ctx.is('multipart/form-data')) {
    throw new AppError(
      'unsupported_media_type',
      `Send multipart/form-data with the file as "${name}", not ${contentType || 'a body without a content type'}.`,
    );
  }
  let parser: FormParser | undefined = createFormParser(contentType, spec);
  try {
    await consumeBody(ctx.req, {
      maxBytes: maxFileBytes + MAX_FIELD_BYTES + OVERHEAD_BYTES,
      reservation,
      tooLarge: () => formTooLarge(maxFileBytes),
      take: (chunk) => parser?.write(chunk),
    });
    return parser.end();
  } finally {
    // The request refers to it while the rest of a refused body is discarded.
    parser = undefined;
  }
}
