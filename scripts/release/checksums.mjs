import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `sha256sum --check` reads. */
export function checksums(directory, files) {
  return files
    .map((file) => {
      const digest = createHash('sha256')
        .update(readFileSync(join(directory, file)))
        .digest('hex');
      return `${digest}  ${file}\n`;
    })
    .join('');
}
