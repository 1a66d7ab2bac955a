import { openStore } from '../../db/open.js';
import { testStore } from '../conformance/store.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { startRqlite } from '../helpers/rqlited.js';
import { shared } from '../helpers/shared.js';

onRqlite('the store passes its conformance suite', (binary) => {
  const cluster = shared(() => startRqlite(binary));
  testStore('rqlite', async () => openStore({ driver: 'rqlite', urls: (await cluster()).urls }));
});
