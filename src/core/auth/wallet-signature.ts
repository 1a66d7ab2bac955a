import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Chain, solanaKey } from './wallets.js';

const ETH_SIGNATURE = /^(0x)?[0-9a-fA-F]{130}$/;
const SOL_SIGNATURE_BYTES = 64;

/**
 * Returns whether the wallet signed the message. ETH: personal_sign (EIP-191), 65 bytes in hex.
 * SOL: Ed25519, 64 bytes in Base64. Any error of the curve code, whose input is untrusted, means
 * false.
 */
export function isSignedBy(chain: Chain, wallet: string, message: string, signature: string): boolean {
  try {
    return chain === 'ETH'
      ? ethSigner(message, signature) === wallet
      : isSolSigned(wallet, message, signature);
  } catch {
    return false;
  }
}

function ethSigner(message: string, signature: string): string | null {
  if (!ETH_SIGNATURE.test(signature)) return null;
  const bytes = Buffer.from(signature.replace(/^0x/, ''), 'hex');
  const v = bytes[64] ?? 0;
  const recovery = v >= 27 ? v - 27 : v;
  if (recovery > 1) return null;
  const text = Buffer.from(message);
  const digest = keccak_256(
    Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${text.byteLength}`), text]),
  );
  const point = secp256k1.Signature.fromBytes(bytes.subarray(0, 64))
    .addRecoveryBit(recovery)
    .recoverPublicKey(digest);
  // The address is the last 20 bytes of the Keccak-256 hash of the uncompressed point without its
  // prefix.
  const hash = keccak_256(point.toBytes(false).subarray(1));
  return `0x${Buffer.from(hash.subarray(12)).toString('hex')}`;
}

function isSolSigned(wallet: string, message: string, signature: string): boolean {
  const key = solanaKey(wallet);
  const bytes = Buffer.from(signature, 'base64');
  if (!key || bytes.byteLength !== SOL_SIGNATURE_BYTES) return false;
  // Strict verification (RFC 8032) instead of ZIP 215: rejects malleable signatures and small-order
  // keys.
  return ed25519.verify(bytes, Buffer.from(message), key, { zip215: false });
}
