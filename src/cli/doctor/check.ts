/** `missing`: not there, and not needed for what is here. */
export type CheckStatus = 'ok' | 'missing' | 'wrong';

/** What one look at the machine or the engine has found. */
export interface Check {
  name: string;
  status: CheckStatus;
  found: string;
  /** What to do; null where there is nothing to do. */
  advice: string | null;
}

export const ok = (name: string, found: string): Check => ({ name, status: 'ok', found, advice: null });
export const wrong = (name: string, found: string, advice: string): Check => ({
  name,
  status: 'wrong',
  found,
  advice,
});
