import type { NewKey } from '../../src/ports/store/keys.js';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from './attempt.js';

/** Returns a new key of a namespace of its own. */
export const aKey = (given: Partial<NewKey> = {}): NewKey => ({
  id: uuidv7(),
  namespace: aNamespace(),
  name: 'ci',
  hash: uuidv7(),
  isAdmin: false,
  scopes: ['*'],
  functions: null,
  expiresAt: null,
  createdBy: 'somebody',
  maker: null,
  ...given,
});
