/** The state of the engine's dependencies; `error` says why one is down. */
export type DependencyStates = Readonly<Record<string, { status: 'up' | 'down'; error?: string }>>;

export function statusOf(dependencies: DependencyStates): 'ok' | 'down' {
  return Object.values(dependencies).every(({ status }) => status === 'up') ? 'ok' : 'down';
}

/** Returns the status and body with which `/health` is answered. */
export function healthReply(dependencies: DependencyStates) {
  const status = statusOf(dependencies);
  return { status: status === 'ok' ? 200 : 503, body: { status, dependencies } } as const;
}
