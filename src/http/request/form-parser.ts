import {
  getMultipartBoundary,
  MaxFileSizeExceededError,
  MaxHeaderSizeExceededError,
  MaxPartsExceededError,
  MaxTotalSizeExceededError,
  MultipartParser,
  type MultipartPart,
} from '@remix-run/multipart-parser';
import { MB } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import { formatSize } from './read-body.js';

const MAX_FIELDS = 50;
/** Of all fields together. */
export const MAX_FIELD_BYTES = MB;
const MAX_HEADER_BYTES = 16 << 10;
/**
 * The parser keeps a view of the input for each chunk of content, so that input in very small
 * chunks would take a multiple of its size. It therefore receives blocks of this size.
 */
const BLOCK_BYTES = 64 << 10;
/** RFC 2046. The parser compares every byte of a boundary with every possible beginning of one. */
const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/;
/** These do not change the content. */
const IDENTITY_ENCODINGS = new Set(['7bit', '8bit', 'binary']);
const OTHER_CHARSET = /;\s*filename\*\s*=\s*"?(?!utf-8')/i;

export interface UploadedFile {
  filename: string;
  bytes: Uint8Array;
}

export interface Upload {
  file: UploadedFile;
  fields: Record<string, string>;
}

/** Parses a form as its bytes arrive. Both methods throw an `AppError` if it is malformed. */
export interface FormParser {
  write(chunk: Buffer): void;
  end(): Upload;
}

export interface FormSpec {
  /** The name of the part that is the file. */
  file: string;
  /** The names of the other parts. */
  fields: readonly string[];
  maxFileBytes: number;
}

/**
 * Creates a parser for forms of one file and fields. The file is collected in memory up to its
 * limit: it is needed there, and no temporary files can be left behind. Unknown fields are left to
 * the caller, but not unknown files, nor fields that are sent in place of the file.
 */
export function createFormParser(
  contentType: string,
  { file: fileField, fields: known, maxFileBytes }: FormSpec,
): FormParser {
  const boundary = boundaryOf(contentType);
  const parser = new MultipartParser(boundary, {
    maxHeaderSize: MAX_HEADER_BYTES,
    maxFileSize: maxFileBytes,
    maxTotalSize: maxFileBytes + MAX_FIELD_BYTES + BLOCK_BYTES,
    maxParts: MAX_FIELDS + 2,
  });
  // The parser refuses a preamble (RFC 2046 §5.1.1), such as the empty line with which some clients
  // begin. It is read as the content of a part, which is left out.
  parser.write(Buffer.from(`--${boundary}\r\nPreamble:\r\n\r\n\r\n`)).next();
  let isPreamble = true;
  const fields = new Map<string, string>();
  let fieldBytes = 0;
  let file: UploadedFile | undefined;
  let block = Buffer.alloc(0);
  let used = 0;

  const readPart = (part: MultipartPart) => {
    if (isPreamble) {
      isPreamble = false;
      return;
    }
    const { name, filename, isFile } = describe(part);
    if (fields.has(name) || (name === fileField && file !== undefined))
      throw invalid(`${show(name)} was sent more than once.`);
    if (name === fileField && isFile) {
      file = { filename, bytes: part.bytes };
      return;
    }
    if (name === fileField) throw withoutFile(fileField);
    if (isFile && !known.includes(name))
      throw invalid(`unknown file ${show(name)}; the file's field is ${show(fileField)}.`);
    fieldBytes += part.size;
    if (fieldBytes > MAX_FIELD_BYTES || fields.size === MAX_FIELDS) throw formTooLarge(maxFileBytes);
    // A field with its own content type or file name is still a field.
    fields.set(name, textOf(part, name));
  };

  const flush = () => {
    // What follows the final boundary is ignored; the parser would refuse it.
    if (used === 0 || isFinished(parser)) return;
    try {
      for (const part of parser.write(block.subarray(0, used))) readPart(part);
    } catch (error) {
      throw toFormError(error, maxFileBytes);
    }
    // A form with another boundary is refused at once, and not when it has been read.
    if (isPreamble) throw unreadable();
  };

  return {
    write(chunk) {
      for (let at = 0; at < chunk.byteLength; ) {
        if (block.byteLength === 0) block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
        const copied = chunk.copy(block, used, at);
        at += copied;
        used += copied;
        if (used < block.byteLength) continue;
        flush();
        block = Buffer.alloc(0);
        used = 0;
      }
    },
    end() {
      flush();
      if (!isFinished(parser)) throw unreadable();
      if (file === undefined) {
        const unknown = [...fields.keys()].find((name) => !known.includes(name));
        throw withoutFile(fileField, unknown);
      }
      return { file, fields: Object.fromEntries(fields) };
    },
  };
}

export function formTooLarge(maxFileBytes: number, cause?: unknown): AppError {
  return new AppError(
    'payload_too_large',
    `The upload is larger than allowed: a file may have ${formatSize(maxFileBytes)}, and there may be ${MAX_FIELDS} fields with ${formatSize(MAX_FIELD_BYTES)} in all.`,
    { cause },
  );
}

function boundaryOf(contentType: string): string {
  const boundary = getMultipartBoundary(contentType)?.trimEnd();
  if (boundary !== undefined && BOUNDARY.test(boundary)) return boundary;
  throw invalid(
    'The content type must name the boundary of the form in 1 to 70 characters, as "multipart/form-data; boundary=..." does.',
  );
}

/** The parser shows only by this method whether the final boundary has been read. */
function isFinished(parser: MultipartParser): boolean {
  try {
    parser.finish();
    return true;
  } catch {
    return false;
  }
}

function describe(part: MultipartPart): { name: string; filename: string; isFile: boolean } {
  const headers = headersOf(part);
  const encoding = headers['content-transfer-encoding'];
  if (encoding !== undefined && !IDENTITY_ENCODINGS.has(encoding.toLowerCase())) {
    throw invalid(
      `A part of the form is sent with "Content-Transfer-Encoding: ${encoding.slice(0, 80)}"; send it as it is, without this header.`,
    );
  }
  // The parser would write a warning to the console.
  if (OTHER_CHARSET.test(headers['content-disposition'] ?? ''))
    throw invalid('The filename* of a part must be encoded as UTF-8; send filename instead.');
  const { name, filename } = part;
  if (name === undefined) {
    throw invalid(
      'The form has a part without a name; send "Content-Disposition: form-data; name=..." with each part.',
    );
  }
  // It would be assigned to the prototype of an object, where it would be lost.
  if (name === '__proto__') throw invalid('The form has an unknown field "__proto__"; leave it out.');
  return {
    name,
    // Only the name in the folder, and quotes as browsers send them.
    filename: filename?.slice(filename.lastIndexOf('\\') + 1).replaceAll('%22', '"') ?? '',
    isFile: filename !== undefined || headers['content-type'] !== undefined,
  };
}

function headersOf(part: MultipartPart): MultipartPart['headers'] {
  try {
    return part.headers;
  } catch (cause) {
    throw invalid('The headers of a part of the form must be UTF-8.', cause);
  }
}

function textOf(part: MultipartPart, name: string): string {
  try {
    return part.text;
  } catch (cause) {
    throw invalid(`The field ${show(name)} of the form must be UTF-8.`, cause);
  }
}

function toFormError(error: unknown, maxFileBytes: number): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof MaxHeaderSizeExceededError) {
    return invalid(
      `The headers of a part of the form are too long; they may have at most ${formatSize(MAX_HEADER_BYTES)}.`,
      error,
    );
  }
  if (
    error instanceof MaxFileSizeExceededError ||
    error instanceof MaxTotalSizeExceededError ||
    error instanceof MaxPartsExceededError
  )
    return formTooLarge(maxFileBytes, error);
  return unreadable(error);
}

function withoutFile(fileField: string, unknown?: string): AppError {
  const instead = unknown === undefined ? '' : `, but the unknown field ${show(unknown)}`;
  return invalid(`The form has no file "${fileField}"${instead}; send it as a file part.`);
}

function unreadable(cause?: unknown): AppError {
  return invalid(
    'The form cannot be read; send multipart/form-data with its boundary, as "curl -F" does.',
    cause,
  );
}

function invalid(sentence: string, cause?: unknown): AppError {
  return new AppError('invalid_request', sentence, { cause });
}

const show = (name: string) => JSON.stringify(name.slice(0, 80));
