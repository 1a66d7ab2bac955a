/** The scopes of a key. Every route and socket requires one of them. */
export const SCOPES = {
  invoke: 'Invoke functions; cancel and replay invocations; purge dead letters.',
  publish: 'Publish messages.',
  read: 'Functions, triggers, logs, invocations, topics, status: whatever is listed or shown.',
  deploy: 'Deploy, delete and roll back functions; add and delete triggers.',
  secrets: 'Set, list and delete secrets; show and renew the callback secret.',
  data: 'The database, the cache and the storage of the namespace.',
  keys: 'Make, list and revoke keys; read the audit log.',
} as const;

export type Scope = keyof typeof SCOPES;
export const SCOPE_NAMES = Object.keys(SCOPES) as readonly Scope[];
