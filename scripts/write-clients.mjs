// Writes the client files that are generated from the OpenAPI document. Run after a build.
import { writeFileSync } from 'node:fs';
import { generatedClientFiles } from './clients/generate.mjs';

for (const [path, text] of Object.entries(await generatedClientFiles())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
}
