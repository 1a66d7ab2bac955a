import test from 'ava';
import { startWorkerServer } from '../../src/http/worker-server.js';

test('a worker refuses other methods with 405 and Allow, and other paths with 404', async (t) => {
  const endpoints = {
    health: async () => ({}),
    metrics: async () => ({ contentType: 'text/plain', text: 'orama_up 1' }),
  };
  const server = await startWorkerServer(endpoints, { host: '127.0.0.1', port: 0, onError: (e) => t.log(e) });
  t.teardown(() => server.close());
  const answer = async (method: string, path: string) => {
    const response = await fetch(`${server.url}${path}`, { method });
    const { code = null } = method === 'HEAD' ? {} : JSON.parse((await response.text()) || '{}');
    return [response.status, code, response.headers.get('allow')];
  };
  t.deepEqual(await answer('POST', '/metrics'), [405, 'method_not_allowed', 'GET, HEAD']);
  t.deepEqual(await answer('DELETE', '/health?a=1'), [405, 'method_not_allowed', 'GET, HEAD']);
  t.deepEqual(await answer('POST', '/other'), [404, 'not_found', null]);
  t.deepEqual(await answer('GET', '/other'), [404, 'not_found', null]);
  t.deepEqual(await answer('HEAD', '/metrics'), [200, null, null]);
});
