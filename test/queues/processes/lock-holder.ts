import { isAppError } from '../../../src/errors.js';
import { lockDataDir, shareDataDir } from '../../../src/files/data-lock.js';

// Locks or shares the given directory, reports this, and keeps running.
try {
  (process.argv[3] === 'share' ? shareDataDir : lockDataDir)(process.argv[2] ?? '');
  process.send?.('locked');
  setInterval(() => {}, 1000);
} catch (error) {
  process.send?.(isAppError(error) ? { code: error.code, message: error.message } : { code: String(error) });
  process.disconnect();
}
