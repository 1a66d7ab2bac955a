import * as z from 'zod';
import { SCOPE_NAMES, type Scope } from './scope-names.js';
import { show } from './show.js';

/** The scopes to which a key's restriction to some functions applies. */
export const FUNCTION_SCOPES: ReadonlySet<Scope> = new Set<Scope>(['invoke', 'read', 'deploy']);

/** All scopes, including those of later versions. */
export const ALL_SCOPES = '*';
export const grantedScopeSchema = z.enum([...SCOPE_NAMES, ALL_SCOPES]);
export type GrantedScope = z.infer<typeof grantedScopeSchema>;

/** A function name in which `*` matches any characters, also none: `hook-*`. */
export const functionGlobSchema = z.string().regex(/^[A-Za-z0-9_*-]{1,64}$/, {
  error: ({ input }) => `must be a function's name or a pattern such as "hook-*", not ${show(input)}`,
});

/**
 * Returns whether a pattern matches a name, or whether it covers another pattern, whose `*` matches
 * only a `*`.
 */
export function globMatches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  const end = name.length - last.length;
  let from = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    from = found + part.length;
  }
  return true;
}

/** What a key may do, and with which functions (null for all). */
export interface Rights {
  readonly scopes: readonly GrantedScope[];
  readonly functions: readonly string[] | null;
}

export const ALL_RIGHTS: Rights = { scopes: [ALL_SCOPES], functions: null };

export function grants({ scopes }: Rights, scope: Scope): boolean {
  return scopes.includes(ALL_SCOPES) || scopes.includes(scope);
}

export function coversFunction({ functions }: Rights, name: string): boolean {
  return functions === null || functions.some((pattern) => globMatches(pattern, name));
}
