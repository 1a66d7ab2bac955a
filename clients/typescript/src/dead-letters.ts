import type { Http } from './http.js';
import type { InvocationFilter, Invocations } from './invocations.js';
import type { Invocation } from './shapes.js';

export type DeadFilter = Omit<InvocationFilter, 'status' | 'parentId'>;

/** Dead letters: invocations that failed permanently while no caller was waiting. */
export interface DeadLetters {
  list(filter?: DeadFilter): AsyncGenerator<Invocation>;
  /**
   * Replays all dead letters of a function. Resolves with their number. To replay a single one, use
   * `invocations.replay`.
   */
  replayAll(name: string, options?: { newest?: boolean }): Promise<number>;
  /** Deletes all dead letters of a function. Resolves with their number. */
  purge(name: string): Promise<number>;
}

export function createDeadLetters(http: Http, invocations: Invocations): DeadLetters {
  const pathOf = (name: string) => `/v1/functions/${encodeURIComponent(name)}/dead`;
  return {
    list: (filter = {}) => invocations.list({ ...filter, status: 'dead' }),
    async replayAll(name, { newest } = {}) {
      const query = { version: newest === true ? 'newest' : undefined };
      const call = { method: 'POST', path: `${pathOf(name)}/replay`, query, repeatable: false };
      return (await http.json<{ count: number }>(call)).count;
    },
    async purge(name) {
      const call = { method: 'DELETE', path: pathOf(name), repeatable: true };
      return (await http.json<{ count: number }>(call)).count;
    },
  };
}
