import crypto, { createHmac } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import test from 'ava';
import type { VerifySettings } from '../../src/contract/http-function.js';
import { matchesSignature } from '../../src/http/http-functions/verify/verify.js';

const NOW = 1_700_000_000;
const BODY = 'payload';
const digest = createHmac('sha256', 'another secret').update(BODY).digest();
const [hex, base64] = [digest.toString('hex'), digest.toString('base64')];

const forged: [VerifySettings, Record<string, string>][] = [
  [{ scheme: 'github', secret: 'S' }, { 'x-hub-signature-256': `sha256=${hex}` }],
  [{ scheme: 'stripe', secret: 'S', tolerance: 300 }, { 'stripe-signature': `t=${NOW},v1=${hex}` }],
  [
    { scheme: 'slack', secret: 'S', tolerance: 300 },
    { 'x-slack-request-timestamp': `${NOW}`, 'x-slack-signature': `v0=${hex}` },
  ],
  [
    { scheme: 'standard-webhooks', secret: 'S', tolerance: 300 },
    { 'webhook-id': 'msg', 'webhook-timestamp': `${NOW}`, 'webhook-signature': `v1,${base64}` },
  ],
  [
    { scheme: 'hmac', secret: 'S', header: 'X-Sig', algorithm: 'sha256', encoding: 'hex', prefix: '' },
    { 'x-sig': hex },
  ],
];

for (const [settings, headers] of forged) {
  test.serial(`${settings.scheme}: a forged signature is compared in full and in constant time`, (t) => {
    const compared: number[] = [];
    const original = crypto.timingSafeEqual;
    t.teardown(() => {
      crypto.timingSafeEqual = original;
      syncBuiltinESMExports();
    });
    crypto.timingSafeEqual = (one, other) => {
      compared.push(one.byteLength);
      return original(one, other);
    };
    syncBuiltinESMExports();
    t.false(matchesSignature(settings, 'c2VjcmV0', { headers, body: Buffer.from(BODY), now: NOW * 1000 }));
    t.deepEqual(compared, [32], 'all 32 bytes of the digest, once');
  });
}
