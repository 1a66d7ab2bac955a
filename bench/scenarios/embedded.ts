import { guest } from '../../test/helpers/guests.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, invokeOnce, startProduct } from '../product.js';

/** Sync invocations with nothing but the data directory. */
export async function embedded(): Promise<void> {
  const product = await startProduct({});
  try {
    await deploy(product, 'rust', await guest('hello.rs'));
    await invokeOnce(product, 'rust', GREETING);
    await invokeLoad(product, 'rust', { connections: 8, ms: 2000 });
    heading('Sync over HTTP, embedded, Rust hello', ...CONTEST_COLUMNS);
    await contest(
      [1, 64].map((connections) => ({
        name: `${connections} at once`,
        run: () => invokeLoad(product, 'rust', { connections, ms: 2000 }),
      })),
    );
  } finally {
    await product.close();
  }
}
