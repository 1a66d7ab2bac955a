import test from 'ava';
import type { Database } from '../../db/database.js';
import { openSqlite } from '../../db/drivers/sqlite.js';
import { migrate } from '../../db/migrations/migrate.js';
import { createKeyStore } from '../../db/store/keys.js';
import { AppError } from '../../src/errors.js';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('a write that reaches its quota and whose reply is lost is not reported as over the quota', async (t) => {
  const database = await openSqlite({ file: `${directory}/store.sqlite` });
  t.teardown(() => database.close());
  await migrate(database);
  const withLostReply: Database = {
    ...database,
    async batch(queries, options) {
      await database.batch(queries, options);
      throw new AppError('ambiguous_write', 'lost');
    },
  };
  const namespace = aNamespace();
  const key = {
    ...{ id: uuidv7(), namespace, name: 'k', hash: uuidv7(), isAdmin: false, scopes: ['*'] as const },
    ...{ functions: null, expiresAt: null, createdBy: '', maker: null },
  };
  await t.throwsAsync(createKeyStore(withLostReply).add(key, null, 1), { code: 'ambiguous_write' });
  const keys = createKeyStore(database);
  t.is((await keys.list(namespace)).length, 1);
  const another = { ...key, id: uuidv7(), hash: uuidv7() };
  await t.throwsAsync(keys.add(another, null, 1), { code: 'quota_exceeded' });
});
