import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { AppError } from '../errors.js';
import type { BodyShare } from './body-limits.js';
import { formatSize, tooLarge } from './read-body.js';

const MAX_FIELDS = 50;
const MAX_FIELD_BYTES = 1 << 20;
/** Allowance for boundaries and part headers. */
const OVERHEAD_BYTES = 1 << 20;

export interface UploadedFile {
  filename: string;
  bytes: Uint8Array;
}

export interface Upload {
  file: UploadedFile;
  fields: Record<string, string>;
}

/** The chunks of each file, by the parser's object for it. */
type FileContents = Map<unknown, Buffer[]>;

/**
 * Parses a form with one file. The file is collected in memory up to its limit: it is needed there,
 * and no temporary files can be left behind.
 */
export async function readForm(
  ctx: Context,
  name: string,
  maxFileBytes: number,
  share: BodyShare | null = null,
): Promise<Upload> {
  if (!ctx.is('multipart/form-data')) {
    throw new AppError(
      'unsupported_media_type',
      `Send multipart/form-data with the file as "${name}", not ${ctx.get('content-type') || 'a body without a content type'}.`,
    );
  }
  const maxBytes = maxFileBytes + MAX_FIELD_BYTES + OVERHEAD_BYTES;
  if ((ctx.request.length ?? 0) > maxBytes) throw tooLarge(ctx.request.length ?? 0, maxFileBytes);
  const total = limitTotal(ctx.req, maxBytes, share);
  const contents: FileContents = new Map();
  const parser = createParser(maxFileBytes, contents, total.signal);
  try {
    await Promise.race([parser.parse(ctx), total.refused]);
  } catch (error) {
    // Discard the rest of the body, so that the client can read the response.
    ctx.req.resume();
    for (const chunks of contents.values()) chunks.length = 0;
    throw total.signal.aborted ? error : toFormError(error, maxFileBytes);
  }
  if (parser.hasProto) {
    throw new AppError('invalid_request', 'The form has an unknown field "__proto__"; leave it out.');
  }
  return uploadOf(ctx, name, contents);
}

/** Creates a parser that collects the chunks of files in `contents` until `full` is aborted. */
function createParser(maxFileBytes: number, contents: FileContents, full: AbortSignal) {
  const parser = { hasProto: false, parse: (ctx: Context) => read(ctx, async () => undefined) };
  const read = koaBody({
    multipart: true,
    json: false,
    text: false,
    urlencoded: false,
    formidable: {
      maxFields: MAX_FIELDS,
      maxFieldsSize: MAX_FIELD_BYTES,
      maxFiles: MAX_FIELDS,
      maxFileSize: maxFileBytes,
      maxTotalFileSize: maxFileBytes + MAX_FIELD_BYTES,
      allowEmptyFiles: true,
      minFileSize: 0,
      // A part with a file name but no content type is a file and must not be decoded as text.
      onPart(part, handle) {
        // The parser would assign this field to an object's prototype, where it would be lost.
        if (part.name === '__proto__') parser.hasProto = true;
        if (part.originalFilename !== null && !part.mimetype) part.mimetype = 'application/octet-stream';
        handle(part);
      },
      fileWriteStreamHandler(file) {
        const chunks: Buffer[] = [];
        contents.set(file, chunks);
        return new Writable({
          write(chunk: Buffer, _encoding, done) {
            if (!full.aborted) chunks.push(chunk);
            done();
          },
        });
      },
    },
  });
  return parser;
}

/** Returns the file `name` and the fields of a parsed form. */
function uploadOf(ctx: Context, name: string, contents: FileContents): Upload {
  const fields: Record<string, string> = {};
  for (const [field, value] of Object.entries(ctx.request.body ?? {})) fields[field] = single(field, value);
  let file: UploadedFile | undefined;
  for (const [field, given] of Object.entries(ctx.request.files ?? {})) {
    const upload = single(field, given);
    const bytes = Buffer.concat(contents.get(upload) ?? []);
    if (field === name) file = { filename: upload.originalFilename ?? '', bytes };
    // A field with its own content type is still a field.
    else fields[field] = bytes.toString('utf8');
  }
  if (!file) throw new AppError('invalid_request', `The form has no file "${name}"; send it as a file part.`);
  return { file, fields };
}

function single<T>(field: string, value: T | T[]): T {
  if (!Array.isArray(value)) return value;
  throw new AppError('invalid_request', `${JSON.stringify(field.slice(0, 80))} was sent more than once.`);
}

/**
 * Limits the total size: the parser limits files and fields, but not part headers. `refused`
 * rejects as soon as the memory budget is exceeded.
 */
function limitTotal(
  request: IncomingMessage,
  maxBytes: number,
  share: BodyShare | null,
): { signal: AbortSignal; refused: Promise<never> } {
  let size = 0;
  const full = new AbortController();
  const refused = new Promise<never>((_, reject) => {
    full.signal.addEventListener('abort', () => reject(full.signal.reason), { once: true });
  });
  // It may reject when it is not awaited any more.
  refused.catch(() => undefined);
  request.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > 2 * maxBytes) request.destroy();
    if (share !== null && !full.signal.aborted && !share.take(chunk.byteLength))
      full.abort(share.limitError());
  });
  // Adding the listener above has started the stream. The parser adds its listener some microtasks
  // later and must not miss any data, so pause until then.
  request.pause();
  request.on('newListener', function flow(event) {
    if (event !== 'data') return;
    request.off('newListener', flow);
    process.nextTick(() => request.resume());
  });
  return { signal: full.signal, refused };
}

function toFormError(error: unknown, maxFileBytes: number): AppError {
  const status = (error as { httpCode?: unknown }).httpCode;
  if (status === 413) {
    return new AppError(
      'payload_too_large',
      `The upload is larger than allowed: a file may have ${formatSize(maxFileBytes)}, and there may be ${MAX_FIELDS} fields with ${formatSize(MAX_FIELD_BYTES)} in all.`,
      { cause: error },
    );
  }
  return new AppError(
    'invalid_request',
    'The form cannot be read; send multipart/form-data with its boundary, as "curl -F" does.',
    {
      cause: error,
    },
  );
}
