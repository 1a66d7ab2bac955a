import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Copies examples/shop with secrets, and the SDKs beside it as in the repository. Returns the
 * directory.
 */
export function copyShop(directory: string): string {
  const shop = join(directory, 'examples', 'shop');
  cpSync('examples/shop', shop, {
    recursive: true,
    filter: (path) => !/\.wasm$|\/\.(orama|env)$|\/secrets$/.test(path),
  });
  cpSync('sdk', join(directory, 'sdk'), { recursive: true });
  mkdirSync(join(shop, 'secrets'));
  for (const stage of ['dev', 'staging']) {
    writeFileSync(join(shop, 'secrets', `${stage}.env`), 'PAYMENT_SECRET=whsec\nMAIL_TOKEN="not told"\n');
  }
  return shop;
}
