import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';

test('the generated client files match the OpenAPI document of the engine', async (t) => {
  const { href } = pathToFileURL(resolve('scripts/clients/generate.mjs'));
  const { generatedClientFiles }: { generatedClientFiles(): Promise<Record<string, string>> } = await import(
    href
  );
  const files = Object.entries(await generatedClientFiles());
  t.is(files.length, 3);
  for (const [path, text] of files) t.is(readFileSync(path, 'utf8'), text, `${path}: run npm run clients`);
});
