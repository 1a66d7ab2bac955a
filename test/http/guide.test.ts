import { hash } from 'node:crypto';
import test from 'ava';
import { openPage, openWindow } from '../helpers/browser.js';
import { browserTest } from '../helpers/browser-test.js';
import { sharedEngine } from './served.js';

const engine = sharedEngine();
const inBrowser = browserTest();

test('guide pages are served with a Content-Security-Policy that lists hashes of their inline scripts', async (t) => {
  const { api } = await engine();
  const moved = await fetch(`${api.url}/docs/guide`, { redirect: 'manual' });
  t.is(moved.status, 308);
  t.is(moved.headers.get('location'), '/docs/guide/');
  for (const page of ['', 'functions.html', 'from-lambda.html', 'from-openfaas.html', 'sdk.html']) {
    const { status, headers, text } = await api.as().get(`/docs/guide/${page}`);
    t.is(status, 200, page);
    t.is(headers.get('cache-control'), 'no-cache');
    const policy = headers.get('content-security-policy') ?? '';
    t.regex(policy, /default-src 'none'/);
    t.notRegex(policy, /script-src[^;]*(unsafe|https?:|\*|data:)/);
    const inline = [...text.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]+?)<\/script>/g)];
    t.true(inline.length > 0);
    for (const [, script = ''] of inline) t.true(policy.includes(hash('sha256', script, 'base64')), script);
    t.notRegex(text, /(?:src|href)="(?:https?:)?\/\//, 'nothing is loaded from elsewhere');
  }
});

test('unknown pages and paths outside the guide return 404', async (t) => {
  const { api } = await engine();
  for (const path of [
    'none.html',
    '..%2f..%2fpackage.json',
    'assets/..%2findex.html',
    '%2e%2e/console/index.html',
  ]) {
    const { status, json } = await api.as().get(`/docs/guide/${path}`);
    t.is(status, 404, path);
    t.is(json.code, 'not_found');
  }
});

inBrowser(
  'the guide search opens a found page without policy violations or external requests',
  async (t, browser) => {
    const { api } = await engine();
    const context = await openWindow(browser);
    t.teardown(() => context.close());
    const elsewhere: string[] = [];
    context.on('request', (request) => {
      if (!request.url().startsWith(api.url) && !request.url().startsWith('data:'))
        elsewhere.push(request.url());
    });
    const { page, troubles } = await openPage(context);
    await page.goto(`${api.url}/docs/guide/`);
    await page.locator('#local-search button').first().click();
    await page.locator('.VPLocalSearchBox input').fill('webhook-timestamp');
    await page.locator('.VPLocalSearchBox .results a').first().click();
    await page.waitForURL(/http-functions\.html/);
    await page.locator('.VPSidebar a', { hasText: 'From AWS Lambda' }).click();
    await page.locator('h1', { hasText: 'From AWS Lambda' }).waitFor();
    t.deepEqual(troubles, []);
    t.deepEqual(elsewhere, []);
  },
);
