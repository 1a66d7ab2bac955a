import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import Koa from 'koa';
import { serveConsole } from '../../src/http/pages/console.js';
import { serveGuide } from '../../src/http/pages/guide.js';
import { loadSite } from '../../src/http/pages/static-site.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const dir = tempDir();

test('console and guide are found in a directory whose path has spaces and other characters', async (t) => {
  const site = join(dir, 'my project 100% ä#', 'console');
  await mkdir(join(site, 'assets'), { recursive: true });
  await writeFile(join(site, 'index.html'), 'page');
  await writeFile(join(site, 'assets', 'a #1.js'), 'script');
  await writeFile(join(site, 'assets', 'a #1.js.gz'), 'compressed');
  const files = await loadSite(pathToFileURL(`${site}/`));
  t.deepEqual([...files.keys()].sort(), ['assets/a #1.js', 'index.html']);
  t.is(files.get('index.html')?.bodies.get('identity')?.toString(), 'page');
  t.deepEqual([...(files.get('assets/a #1.js')?.bodies.keys() ?? [])], ['gzip', 'identity']);
});

test('console and guide that could not be read are read again at the next request', async (t) => {
  for (const [serve, path] of [
    [serveConsole, '/console'],
    [serveGuide, '/docs/guide/'],
  ] as const) {
    const site = join(dir, `unreadable${path.replaceAll('/', '-')}`);
    // A file in place of the directory: no permission stops a test that runs as root.
    await writeFile(site, '');
    const app = new Koa().use(serve(pathToFileURL(`${site}/`)));
    app.silent = true;
    const server = await httpServer(app.callback());
    t.teardown(server.close);
    t.is((await fetch(server.url + path)).status, 500);
    await rm(site);
    await mkdir(site);
    await writeFile(join(site, 'index.html'), 'page');
    t.is(await (await fetch(server.url + path)).text(), 'page');
  }
});
