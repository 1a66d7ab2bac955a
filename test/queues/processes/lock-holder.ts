import { isAppError } from '../../../src/errors.js';
import { lockDataDir } from '../../../src/files/data-lock.js';

// Locks the given directory, reports this, and keeps running.
try {
  lockDataDir(process.argv[2] ?? '');
  process.send?.('locked');
  setInterval(() => {}, 1000);
} catch (error) {
  process.send?.(isAppError(error) ? { code: error.code, message: error.message } : { code: String(error) });
  process.disconnect();
}
