import type { Store } from '../../src/ports/store.js';

/** Opens the same database at each call: two stores represent two processes of one installation. */
export type OpenStore = () => Promise<Store>;
