/** The states of an invocation that has not ended. */
const LIVE_STATES = ['queued', 'running', 'retrying'] as const;
/** The final states of an invocation. */
export const FINAL_STATES = ['success', 'error', 'timeout', 'dead', 'cancelled'] as const;
export const INVOCATION_STATES = [...LIVE_STATES, ...FINAL_STATES] as const;

export type FinalState = (typeof FINAL_STATES)[number];
export type InvocationState = (typeof INVOCATION_STATES)[number];

export function isLiveState(state: InvocationState): boolean {
  return (LIVE_STATES as readonly InvocationState[]).includes(state);
}
