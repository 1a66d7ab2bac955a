import type { Page } from 'playwright-core';
import type { JsonValue } from '../helpers/api.js';

/** Fields that are not replaced: times, bytes, and cursors of the next request. */
const KEPT =
  /_at$|^(at|timestamp|minute|data|\$blob|type|next_cursor)$|base64$|^(success|error|timeout|dead|accepted)$/;
/** Objects whose keys are chosen by users. */
const NAMED = new Set(['env', 'headers', 'dependencies', 'quotas', 'weights']);

/**
 * Returns a reply of the API with every text replaced, also by texts that the engine would refuse.
 */
function refed(value: JsonValue, text: () => string, key = ''): JsonValue {
  if (typeof value === 'string') return KEPT.test(key) && !isError(key, value) ? value : text();
  if (Array.isArray(value)) return value.map((each) => refed(each, text, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [NAMED.has(key) ? text() : name, refed(each, text, name)]),
  );
}

/** In figures, `error` is a number; elsewhere it is a text. */
function isError(key: string, value: unknown): boolean {
  return key === 'error' && typeof value === 'string';
}

/** Replaces the texts of every reply that a page reads, including event streams. */
export async function feed(page: Page, text: () => string): Promise<void> {
  await page.route('**/v1/**', async (route) => {
    const request = route.request();
    if (request.method() !== 'GET') return route.continue();
    const url = new URL(request.url());
    const isStream = url.searchParams.get('follow') === 'true';
    url.searchParams.delete('follow');
    const response = await route.fetch({ url: url.href });
    const reply: JsonValue = await response.json().catch(() => null);
    const isLog = isStream && url.pathname.endsWith('/logs');
    const events = (isLog ? (reply?.logs ?? []) : [reply]).map((each: JsonValue) => refed(each, text));
    if (!isStream) return route.fulfill({ response, json: events[0] });
    await route.fulfill({
      contentType: 'text/event-stream',
      body: events.map((each: JsonValue) => `data: ${JSON.stringify(each)}\n\n`).join(''),
    });
  });
}
