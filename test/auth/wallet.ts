import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { base58btc } from 'multiformats/bases/base58';

/** A wallet: an address and a function that signs a text. */
export interface Wallet {
  address: string;
  sign(text: string): string;
}

export function ethWallet(): Wallet {
  const secret = secp256k1.utils.randomSecretKey();
  const point = secp256k1.getPublicKey(secret, false);
  return {
    address: `0x${Buffer.from(keccak_256(point.subarray(1)).subarray(12)).toString('hex')}`,
    sign(text) {
      const message = Buffer.from(`\x19Ethereum Signed Message:\n${Buffer.byteLength(text)}${text}`);
      const signed = secp256k1.sign(keccak_256(message), secret, { prehash: false, format: 'recovered' });
      // noble places the recovery bit first; Ethereum places it last and counts from 27.
      return `0x${Buffer.from([...signed.subarray(1), (signed[0] ?? 0) + 27]).toString('hex')}`;
    },
  };
}

export function solWallet(): Wallet {
  const secret = ed25519.utils.randomSecretKey();
  return {
    address: base58btc.baseEncode(ed25519.getPublicKey(secret)),
    sign: (text) => Buffer.from(ed25519.sign(Buffer.from(text), secret)).toString('base64'),
  };
}
