import { isFinal } from '../api/reconnect.js';

interface LiveMarkProps {
  isConnected: boolean;
  error: unknown;
}

/** Indicates whether the shown data is updated live. */
export function LiveMark({ isConnected, error }: LiveMarkProps) {
  return (
    <span role="status">
      <span class={isConnected ? 'pulse on' : 'pulse'} aria-hidden="true" />{' '}
      {isConnected ? 'Live' : isFinal(error) ? 'Refused' : 'Connecting…'}
    </span>
  );
}
