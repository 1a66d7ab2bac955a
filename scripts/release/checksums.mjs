import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the input format of `sha256sum --check`. */
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
