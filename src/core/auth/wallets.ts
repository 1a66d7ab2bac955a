import { base58btc } from 'multiformats/bases/base58';
import { AppError } from '../../errors.js';

export type Chain = 'ETH' | 'SOL';

const ETH_ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const SOL_ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/**
 * Returns the wallet in canonical form (ETH addresses in lower case) and its chain. Throws
 * `invalid_request`.
 */
export function parseWallet(wallet: string, chain?: Chain): { wallet: string; chain: Chain } {
  if (chain !== 'SOL' && ETH_ADDRESS.test(wallet)) return { wallet: wallet.toLowerCase(), chain: 'ETH' };
  if (chain !== 'ETH' && SOL_ADDRESS.test(wallet) && solanaKey(wallet)) return { wallet, chain: 'SOL' };
  throw new AppError(
    'invalid_request',
    `wallet must be an Ethereum address (0x and 40 hex digits) or a Solana address (base58), not ${JSON.stringify(wallet.slice(0, 80))}.`,
  );
}

/** Decodes a Solana address to its public key; null if it is not one. */
export function solanaKey(wallet: string): Uint8Array | null {
  try {
    const key = base58btc.baseDecode(wallet);
    return key.byteLength === 32 ? key : null;
  } catch {
    return null;
  }
}
