import { join } from 'node:path';
import { openStore } from '../../db/open.js';
import { testStore } from '../conformance/store.js';
import { tempDir } from '../helpers/temp-dir.js';

const file = join(tempDir(), 'store.sqlite');
testStore('sqlite', () => openStore({ driver: 'sqlite', file }));
