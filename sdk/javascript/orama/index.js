// The exports of "orama". In a function the runtime provides them; in Node, `orama/testing`
// provides a fake.
const runtime = globalThis[Symbol.for('orama')];
if (runtime === undefined) throw new Error('"orama" works inside a function; in tests use "orama/testing"');

export const { env, ctx, NonRetryableError } = runtime;
export const { DB, CACHE, STORAGE, SECRETS, publish, enqueue } = env;
