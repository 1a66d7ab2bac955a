/** The rights of WASI preview 1 that a standard stream may have. */
export const RIGHT = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdFdstatSetFlags: 1n << 3n,
  fdSync: 1n << 4n,
  fdWrite: 1n << 6n,
  fdAdvise: 1n << 7n,
  fdFilestatGet: 1n << 21n,
  pollFdReadwrite: 1n << 27n,
} as const;
