// What a function imports from "orama". In a function the runtime has it; in Node, `orama/testing` puts a stand-in there.
const runtime = globalThis[Symbol.for('orama')];
if (runtime === undefined) throw new Error('"orama" works inside a function; in tests use "orama/testing"');

export const { env, ctx, NonRetryableError } = runtime;
export const { DB, CACHE, STORAGE, SECRETS, publish, enqueue } = env;
