import { randomFillSync } from 'node:crypto';
import type { GuestSession } from '../workers/wasm/run/session.js';

/** A session whose host does nothing, for measuring the guest alone. */
export const session = (input: Uint8Array): GuestSession => ({
  name: 'bench',
  requestId: '',
  callerWallet: '',
  env: {},
  httpRequest: '',
  response: null,
  input,
  log: { line: () => {}, print: () => {}, finish: () => {} },
  bridge: { call: () => ({ ok: true, value: 0n, data: null }), sleep: () => {} },
  clock: { realtime: () => BigInt(Date.now()) * 1_000_000n, monotonic: () => process.hrtime.bigint() },
  random: (bytes) => {
    randomFillSync(bytes);
  },
});
