import { AppError } from '../errors.js';
import { MAX_JSON_DEPTH } from './json-depth.js';
import { shorten } from './show.js';

/**
 * Throws `invalid_manifest` if an object has the key `__proto__`, which parsers create as an own
 * key but validation and copying skip; no setting or variable needs it. Also limits the depth,
 * since YAML can contain cycles.
 */
export function assertOrdinaryKeys(value: unknown, where: string, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_JSON_DEPTH) {
    throw new AppError('invalid_manifest', `${where} is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
  for (const key of Object.keys(value)) {
    const place = Array.isArray(value) ? `${where}[${key}]` : `${where}.${shorten(key)}`;
    if (key === '__proto__') {
      throw new AppError('invalid_manifest', `unknown key "${place}"; no key may have that name`);
    }
    assertOrdinaryKeys(Reflect.get(value, key), place, depth + 1);
  }
}
