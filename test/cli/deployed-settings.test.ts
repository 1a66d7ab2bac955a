import test from 'ava';
import { deployedVersionSchema } from '../../src/cli/deployed-settings.js';
import { changesBetween } from '../../src/cli/project/changes.js';
import { functionSettingsSchema } from '../../src/contract/function.js';

test('a version with an origin that is not accepted any more is compared with its correction', (t) => {
  const settings = functionSettingsSchema.parse({
    name: 'web',
    metadata: { http: { cors: { origins: ['https://app.example.com'] } } },
  });
  const { http } = settings.metadata;
  const old = {
    ...settings,
    metadata: {
      ...settings.metadata,
      http: { ...http, cors: { ...http?.cors, origins: ['https://*.com'] } },
    },
  };
  const reply = deployedVersionSchema.parse({ version: 1, wasm_cid: 'a', settings: old });
  t.deepEqual(changesBetween(reply.settings, settings), [
    { key: 'http.cors.origins', from: ['https://*.com'], to: ['https://app.example.com'] },
  ]);
  t.false(deployedVersionSchema.safeParse({ version: 1, wasm_cid: 'a', settings: null }).success);
});
