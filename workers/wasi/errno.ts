/** The error numbers of WASI preview 1 (`errno`) that the engine itself returns. */
export const ERRNO = { success: 0, badf: 8, inval: 28, io: 29, notsock: 57, perm: 63, spipe: 70 } as const;
