// Writes the parts of the clients that are made from the OpenAPI document. Run after a build.
import { writeFileSync } from 'node:fs';
import { generatedClientFiles } from './clients/generate.mjs';

for (const [path, text] of Object.entries(await generatedClientFiles())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
}
