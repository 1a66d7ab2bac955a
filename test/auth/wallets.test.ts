import test from 'ava';
import { isSignedBy } from '../../src/core/auth/wallet-signature.js';
import { parseWallet } from '../../src/core/auth/wallets.js';
import { ethWallet, solWallet } from './wallet.js';

test('a published personal_sign signature of an Ethereum wallet is verified', (t) => {
  // From the web3.js documentation: accounts.sign('Some data', '0x4c08…d318').
  const signature =
    '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c';
  const { wallet, chain } = parseWallet('0x2c7536E3605D9C16a7a3D7b1898e529396a65c23');
  t.is(chain, 'ETH');
  t.true(isSignedBy('ETH', wallet, 'Some data', signature));
  t.false(isSignedBy('ETH', wallet, 'Some Data', signature));
});

for (const [chain, make] of [
  ['ETH', ethWallet],
  ['SOL', solWallet],
] as const) {
  test(`a ${chain} signature is valid only for its own wallet and text`, (t) => {
    const mine = make();
    const other = make();
    const signature = mine.sign('nonce');
    const { wallet } = parseWallet(mine.address, chain);
    t.true(isSignedBy(chain, wallet, 'nonce', signature));
    t.false(isSignedBy(chain, wallet, 'another', signature));
    t.false(isSignedBy(chain, parseWallet(other.address).wallet, 'nonce', signature));
    for (const junk of ['', '0x', 'A'.repeat(88), `0x${'f'.repeat(130)}`, `0x${'0'.repeat(130)}`]) {
      t.false(isSignedBy(chain, wallet, 'nonce', junk), junk);
    }
  });
}

test('an Ethereum address is normalized to lower case', (t) => {
  const { wallet } = parseWallet('0xABCDEFabcdef0123456789ABCDEFabcdef012345');
  t.is(wallet, '0xabcdefabcdef0123456789abcdefabcdef012345');
});

test('a malformed wallet address or one of another chain is rejected', (t) => {
  for (const wrong of ['', '0x12', 'hello', '0'.repeat(44), `0x${'g'.repeat(40)}`]) {
    t.throws(() => parseWallet(wrong), { code: 'invalid_request' }, wrong);
  }
  t.throws(() => parseWallet(ethWallet().address, 'SOL'), { code: 'invalid_request' });
  t.throws(() => parseWallet(solWallet().address, 'ETH'), { code: 'invalid_request' });
});
