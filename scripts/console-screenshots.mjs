// Takes screenshots of the console for the documentation: `node scripts/console-screenshots.mjs
// [directory]`, after a build.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const { findChromium, launchBrowser, openPage, openWindow, signIn } = await import(
  '../dist/test/helpers/browser.js'
);
const { startEngine } = await import('../dist/test/helpers/running-engine.js');
const { populate } = await import('../dist/test/console/scene.js');

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 780 };

const target = process.argv[2] ?? 'docs/console';
const wanted = process.argv[3];
const program = findChromium();
if (program === null) throw new Error('chromium: not found, no pictures made');

mkdirSync(target, { recursive: true });
const engine = await startEngine();
const browser = await launchBrowser(program);
try {
  const { tree, failed } = await populate(engine.api);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const all = wanted === 'all';
  const shots = [
    ['overview', '', WIDE, 'light'],
    ['invocation', `/invocations/${tree}`, { ...WIDE, height: 1000 }, 'dark'],
    ['invocations-narrow', '/invocations', NARROW, 'light'],
    ['function-narrow-dark', '/functions/orders', NARROW, 'dark'],
    ...(all
      ? [
          ['failed', `/invocations/${failed}`, WIDE, 'dark'],
          ['functions', '/functions', WIDE, 'light'],
          ['function', '/functions/orders', WIDE, 'light'],
          ['invoke', '/functions/orders/invoke', WIDE, 'light'],
          ['request', '/functions/orders/request', WIDE, 'light'],
          ['triggers', '/functions/nightly-report/triggers', WIDE, 'light'],
          ['versions', '/functions/orders/versions', WIDE, 'light'],
          ['log', '/functions/charge-card/log', WIDE, 'light'],
          ['invocations', '/invocations', WIDE, 'light'],
          ['dead', '/dead?function=charge-card', WIDE, 'light'],
          ['events', '/events?topic=orders:created', WIDE, 'light'],
          ['secrets', '/secrets', WIDE, 'light'],
          ['data', '/data', WIDE, 'light'],
          ['keys', '/keys', WIDE, 'light'],
          ['usage', '/usage', WIDE, 'dark'],
          ['docs', '/docs#invokeFunction', WIDE, 'light'],
          ['docs-narrow', '/docs#listInvocations', NARROW, 'dark'],
          ['request-narrow', '/functions/orders/request', NARROW, 'dark'],
          ['overview-narrow', '', NARROW, 'light'],
          ['invocation-narrow', `/invocations/${tree}`, NARROW, 'light'],
          ['data-narrow', '/data', NARROW, 'dark'],
        ]
      : []),
  ];
  for (const [name, path, viewport, colorScheme] of shots) {
    const context = await openWindow(browser, {
      viewport,
      colorScheme,
      reducedMotion: 'reduce',
      timezoneId: 'Europe/Berlin',
    });
    const { page, troubles } = await openPage(context);
    await signIn(page, engine.api, path.startsWith('/docs') ? '' : path);
    if (path.startsWith('/docs')) await page.goto(engine.url + path);
    await page.waitForTimeout(1200);
    await page.screenshot({ path: join(target, `${name}.png`), fullPage: all });
    if (troubles.length > 0) console.error(name, troubles);
    await context.close();
  }
} finally {
  await browser.close();
  await engine.close();
}
