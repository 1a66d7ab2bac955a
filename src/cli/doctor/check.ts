/** `missing`: not installed, but not needed here either. */
export type CheckStatus = 'ok' | 'missing' | 'wrong';

/** Result of one check of the machine or the engine. */
export interface Check {
  name: string;
  status: CheckStatus;
  found: string;
  /** What the user should do, or null. */
  advice: string | null;
}

export const ok = (name: string, found: string): Check => ({ name, status: 'ok', found, advice: null });
export const wrong = (name: string, found: string, advice: string): Check => ({
  name,
  status: 'wrong',
  found,
  advice,
});
