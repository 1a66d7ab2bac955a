import test from 'ava';
import pMap from 'p-map';
import { runCli } from '../helpers/cli.js';
import { hostileReply } from '../helpers/hostile-replies.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer } from './answering-server.js';
import { makeProject, SHOWING, unlistedCommands } from './every-command.js';

const home = tempDir();
const KEY = 'ak_test:default';
/** The common options as flags of an action; `namespace` is also a parameter of the API. */
const COMMON = ['json', 'output', 'url', 'apiKey'];

test('no command sends the credential or another common option in the URL of a request', async (t) => {
  t.timeout(300_000);
  makeProject(home);
  t.deepEqual(unlistedCommands(), []);
  await pMap(
    Object.entries(SHOWING),
    async ([path, args]) => {
      const server = await answeringServer(({ method, url }, response) => {
        const { status, body } = hostileReply(method, new URL(url, 'http://x').pathname);
        response.setHeader('x-request-id', 'a');
        response.setHeader('x-function-version', '1');
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
      try {
        const words = `${path} ${args}`
          .replace(/--api-key \S+|--follow/, '')
          .trim()
          .split(/\s+/);
        const common = ['--url', server.env.ORAMA_URL, '--api-key', KEY, '--json'];
        await runCli([...words, ...common], { home });
        // Checks of whether an engine is there need no credential.
        t.true(
          server.seen.some(({ headers }) => headers['x-api-key'] === KEY),
          path,
        );
        for (const { url } of server.seen) {
          t.false(decodeURIComponent(url).includes(KEY), `${path}: ${url}`);
          const { searchParams } = new URL(url, 'http://x');
          t.deepEqual(
            COMMON.filter((name) => searchParams.has(name)),
            [],
            `${path}: ${url}`,
          );
        }
      } finally {
        await server.close();
      }
    },
    { concurrency: 4 },
  );
});
