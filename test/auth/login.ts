import type { Api } from '../helpers/api.js';
import type { Wallet } from './wallet.js';

/**
 * Signs in over HTTP. Resolves with the response to the challenge, the request to verify, and its
 * response.
 */
export async function login(api: Api, wallet: Wallet, namespace: string, chain: string) {
  const challenge = await api.post('/v1/auth/challenge', {
    wallet: wallet.address,
    purpose: 'login',
    namespace,
  });
  const { nonce } = challenge.json;
  const request = {
    wallet: wallet.address,
    nonce,
    signature: wallet.sign(nonce),
    namespace,
    chain_type: chain,
  };
  return { challenge, request, verified: await api.post('/v1/auth/verify', request) };
}
