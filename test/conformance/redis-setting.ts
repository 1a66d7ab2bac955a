import test from 'ava';
import type { Closable } from '../../src/ports/closable.js';

/**
 * Tests for every driver with an unreachable URL: opening must fail, and the error must not contain
 * the password.
 */
export function redisSettingConformance(
  driver: string,
  setting: string,
  open: (url: string) => Promise<Closable>,
): void {
  const wrong = {
    'of a closed port': 'redis://user:hunter2@127.0.0.1:1/0',
    'with another scheme': 'http://user:hunter2@127.0.0.1:1/',
    'that is not parsable': 'hunter2',
  };
  for (const [what, url] of Object.entries(wrong)) {
    test(`${driver}: a URL ${what} fails at start with an error that does not contain the password`, async (t) => {
      const error = await t.throwsAsync(open(url), { code: 'bad_config' });
      t.true(error?.message.includes(setting));
      t.false(error?.message.includes('hunter2'));
      if (url.startsWith('redis')) t.regex(error?.message ?? '', /127\.0\.0\.1:1\b/);
    });
  }
}
