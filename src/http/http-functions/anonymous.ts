import type { RequestTarget } from './target.js';

/** Returns the admission of a request that needs no credential. */
export function anonymous({ namespace }: Pick<RequestTarget, 'namespace'>) {
  return {
    access: 'open',
    scope: null,
    credential: null,
    namespace,
    otherNamespaces: 'everybody',
    limited: true,
  } as const;
}
