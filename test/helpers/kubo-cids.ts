/**
 * CIDs returned by Kubo 0.44 for `bytesOf(size)` with cid-version=1, raw-leaves and
 * chunker=size-262144.
 */
export const KUBO_CIDS: readonly [size: number, cid: string][] = [
  [0, 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
  [1, 'bafkreig2xu5p65u7a7vsszkad2yctf2oxorua6x5akzg3w2wj2s7r35ooi'],
  [1000, 'bafkreid4l7ukuorvobdi2i4vpd5nyvjscta4ipuiyqt65ta2vujethpzue'],
  [262144, 'bafkreiftpn742ax5grq57hj7v36zyy4kxaid7zspywxs36p34fd27qutpy'],
  [262145, 'bafybeih2u4ynnk6n6vvj4ecckvkig6mogaeqrrolw2gr5psob6syxahbqy'],
  [307200, 'bafybeig3dmtqpqwais47diaymfzbjnn72vvwnz5uszpw4q2gb5c5u5p4ji'],
  [2097152, 'bafybeihr75byqeljmq3nfm2re4jx2lhsm3ilkfm5zpwzkzsdgo2jc4f6b4'],
];

/**
 * The maximum number of chunks that one node links to, and one chunk more, which needs a tree of
 * two levels.
 */
export const KUBO_TREE_CIDS: readonly [size: number, cid: string][] = [
  [262144 * 174, 'bafybeiehjhl2hssvpiuqx6xqseg5w6przx5wkp2vvpko34dci63zukdrwq'],
  [262144 * 175, 'bafybeicnna4e3qqead43aolsfvwjxvfiddzzhmrja7txdez2fpdia3gdi4'],
];

/** Returns bytes that are the same in every run and different in every chunk. */
export function bytesOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = size + 1;
  for (let i = 0; i < size; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
