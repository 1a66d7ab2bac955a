import { call } from './request.js';
import { openSession } from './session.js';

/** An Ethereum wallet in the browser (EIP-1193). */
export interface Wallet {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}

declare global {
  interface Window {
    ethereum?: Wallet;
  }
}

/** Opens a session with the engine's nonce, signed by the wallet. */
export async function signInWithWallet(wallet: Wallet, namespace: string): Promise<void> {
  const accounts = await wallet.request({ method: 'eth_requestAccounts' });
  const address = Array.isArray(accounts) ? String(accounts[0] ?? '') : '';
  if (address === '') throw new Error('The wallet gave no account.');
  const { nonce } = await call<{ nonce: string }>('POST', '/v1/auth/challenge', {
    json: { wallet: address, purpose: 'console', namespace },
    isAnonymous: true,
    isChange: false,
  });
  const hex = Array.from(new TextEncoder().encode(nonce), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  const signature = String(await wallet.request({ method: 'personal_sign', params: [`0x${hex}`, address] }));
  openSession(
    await call('POST', '/v1/auth/verify', {
      json: { wallet: address, nonce, signature, namespace, chain_type: 'ETH' },
      isAnonymous: true,
      isChange: false,
    }),
  );
}
