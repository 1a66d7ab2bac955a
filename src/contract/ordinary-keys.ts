import { AppError } from '../errors.js';
import { MAX_JSON_DEPTH } from './json-depth.js';

/**
 * `__proto__` is an own key of what a parser makes, and whatever checks or copies objects passes
 * over it: as no setting has that name, and no variable needs it, it is refused wherever it stands.
 * So is what has no end: YAML can refer to itself.
 */
export function assertOrdinaryKeys(value: unknown, where: string, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_JSON_DEPTH) {
    throw new AppError('invalid_manifest', `${where} is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
  for (const key of Object.keys(value)) {
    const place = Array.isArray(value) ? `${where}[${key}]` : `${where}.${key}`;
    if (key === '__proto__') {
      throw new AppError('invalid_manifest', `unknown key "${place}"; no key may have that name`);
    }
    assertOrdinaryKeys(Reflect.get(value, key), place, depth + 1);
  }
}
