import { openStore } from '../../db/open.js';
import { testStore } from '../conformance/store.js';
import { findRqlited, startRqlite } from '../helpers/rqlited.js';
import { shared } from '../helpers/shared.js';

const binary = findRqlited();

if (binary !== null) {
  const cluster = shared(() => startRqlite(binary));
  testStore('rqlite', async () => openStore({ driver: 'rqlite', urls: (await cluster()).urls }));
}
