/** Indicates whether the shown data is updated live. */
export function LiveMark({ isConnected }: { isConnected: boolean }) {
  return (
    <span role="status">
      <span class={isConnected ? 'pulse on' : 'pulse'} aria-hidden="true" />{' '}
      {isConnected ? 'Live' : 'Connecting…'}
    </span>
  );
}
