import { createHmac } from 'node:crypto';
import test from 'ava';
import type { VerifySettings } from '../../src/contract/http-function.js';
import {
  eventIdOf,
  matchesSignature,
  signatureInvalid,
} from '../../src/http/http-functions/verify/verify.js';

const HEX = 'sha256';

function matches(
  settings: VerifySettings,
  secret: string,
  headers: Record<string, string>,
  body: string,
  now = Date.now(),
): boolean {
  return matchesSignature(settings, secret, { headers, body: Buffer.from(body), now });
}

test('a refusal says whether the signature is missing, too old or does not match', (t) => {
  const now = 1_000_000_000;
  const reason = (settings: VerifySettings, headers: Record<string, string>) =>
    signatureInvalid(settings, { headers, body: Buffer.from(''), now }).message;
  const stripe = { scheme: 'stripe', secret: 'S', tolerance: 300 } as const;
  t.regex(reason(stripe, {}), /missing: it has no header Stripe-Signature\.$/);
  t.regex(reason(stripe, { 'stripe-signature': 't=1,v1=00' }), /not within 300 seconds of the engine's\.$/);
  t.regex(reason(stripe, { 'stripe-signature': 't=1000000,v1=00' }), /does not match/);
  const slack = { scheme: 'slack', secret: 'S', tolerance: 300 } as const;
  t.regex(reason(slack, { 'x-slack-signature': 'v0=00' }), /no header X-Slack-Request-Timestamp\.$/);
  t.regex(
    reason({ scheme: 'github', secret: 'S' }, { 'x-hub-signature-256': 'sha256=00' }),
    /does not match/,
  );
});

test('the published GitHub signature matches its body and secret, and no other body or secret', (t) => {
  // GitHub Docs, "Validating webhook deliveries", testing values.
  const secret = "It's a Secret to Everybody";
  const headers = {
    'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  };
  const settings = { scheme: 'github', secret: 'S' } as const;
  t.true(matches(settings, secret, headers, 'Hello, World!'));
  t.false(matches(settings, secret, headers, 'Hello, World'));
  t.false(matches(settings, 'another', headers, 'Hello, World!'));
  t.false(matches(settings, secret, {}, 'Hello, World!'));
});

test('the published Slack signature matches within the tolerance and not beyond', (t) => {
  // Slack API, "Verifying requests from Slack", step by step.
  const secret = '8f742231b10e8888abcd99yyyzzz85a5';
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const headers = {
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  };
  const settings = { scheme: 'slack', secret: 'S', tolerance: 300 } as const;
  const at = 1_531_420_618_000;
  t.true(matches(settings, secret, headers, body, at));
  t.true(matches(settings, secret, headers, body, at + 300_000));
  t.false(matches(settings, secret, headers, body, at + 301_000));
  t.false(matches(settings, secret, headers, body, at - 301_000));
  t.false(matches(settings, secret, { ...headers, 'x-slack-request-timestamp': '1531420619' }, body, at));
});

test('the published Standard Webhooks signature matches, also among several signatures', (t) => {
  // Standard Webhooks, reference test vector of its libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const settings = { scheme: 'standard-webhooks', secret: 'S', tolerance: 300 } as const;
  const at = 1_614_265_330_000;
  t.true(matches(settings, secret, headers, '{"test": 2432232314}', at));
  const several = { ...headers, 'webhook-signature': `v1a,x v1,AAAA ${headers['webhook-signature']}` };
  t.true(
    matches(settings, secret, several, '{"test": 2432232314}', at),
    'several signatures during a rotation',
  );
  t.false(matches(settings, secret, { ...headers, 'webhook-id': 'msg_other' }, '{"test": 2432232314}', at));
  t.is(eventIdOf(settings, { headers, body: Buffer.from(''), now: at }), 'msg_p5jXN8AQM9LWM0D4loKWxJek');
  for (const empty of ['whsec_', '!!']) {
    const forged = createHmac(HEX, '').update('msg_1.1614265330.{}').digest('base64');
    const sent = { ...headers, 'webhook-id': 'msg_1', 'webhook-signature': `v1,${forged}` };
    t.false(matches(settings, empty, sent, '{}', at), 'a secret without bytes is no key');
  }
});

test('a Standard Webhooks message with an empty id is refused, also when it is signed', (t) => {
  const settings = { scheme: 'standard-webhooks', secret: 'S', tolerance: 300 } as const;
  for (const [id, accepted] of [['msg_1', true] as const, ['', false] as const]) {
    const signature = createHmac(HEX, 'key').update(`${id}.1614265330.{}`).digest('base64');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': `v1,${signature}`,
    };
    const secret = `whsec_${Buffer.from('key').toString('base64')}`;
    t.is(matches(settings, secret, headers, '{}', 1_614_265_330_000), accepted, JSON.stringify(id));
  }
});

test('a Stripe signature matches with any of its v1 fields, and the event id is the id in the body', (t) => {
  // Stripe Docs, "Verify webhook signatures manually": HMAC-SHA256 over `<t>.<body>`.
  const body = '{"id":"evt_123","object":"event"}';
  const time = 1_700_000_000;
  const v1 = createHmac(HEX, 'whsec_test').update(`${time}.${body}`).digest('hex');
  const settings = { scheme: 'stripe', secret: 'S', tolerance: 300 } as const;
  const header = (value: string) => ({ 'stripe-signature': value });
  t.true(matches(settings, 'whsec_test', header(`t=${time},v1=${v1}`), body, time * 1000));
  t.true(matches(settings, 'whsec_test', header(`t=${time},v1=00,v1=${v1},v0=x`), body, time * 1000));
  t.false(matches(settings, 'whsec_test', header(`t=${time + 1},v1=${v1}`), body, time * 1000));
  t.false(matches(settings, 'whsec_test', header(`t=${time},v0=${v1}`), body, time * 1000));
  t.false(matches(settings, 'whsec_test', header(`v1=${v1}`), body, time * 1000));
  t.false(matches(settings, 'whsec_test', header(`t=${time},v1=${v1}`), body, (time + 301) * 1000));
  t.is(eventIdOf(settings, { headers: {}, body: Buffer.from(body), now: 0 }), 'evt_123');
  t.is(eventIdOf(settings, { headers: {}, body: Buffer.from('no json'), now: 0 }), null);
});

test('hmac supports any header, algorithm, encoding and prefix, and rejects altered signatures', (t) => {
  for (const algorithm of ['sha256', 'sha1', 'sha512'] as const) {
    for (const encoding of ['hex', 'base64'] as const) {
      const settings = {
        scheme: 'hmac',
        secret: 'S',
        header: 'X-Own-Signature',
        algorithm,
        encoding,
        prefix: 'sig=',
      } as const;
      const value = createHmac(algorithm, 'key').update('body').digest(encoding);
      t.true(matches(settings, 'key', { 'x-own-signature': `sig=${value}` }, 'body'));
      t.false(matches(settings, 'key', { 'x-own-signature': value }, 'body'));
      t.false(matches(settings, 'key', { 'x-own-signature': `sig=${value}` }, 'other'));
      for (const noise of [`${value}AAAA`, ` ${value}`, `${value}\t`, `${value}!`, '']) {
        t.false(matches(settings, 'key', { 'x-own-signature': `sig=${noise}` }, 'body'), noise);
      }
    }
  }
});
