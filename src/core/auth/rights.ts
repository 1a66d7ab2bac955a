import type { Scope } from '../../contract/scope-names.js';
import {
  ALL_SCOPES,
  coversFunction,
  FUNCTION_SCOPES,
  type GrantedScope,
  globMatches,
  grants,
  type Rights,
} from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { Principal } from './principal.js';

/**
 * Throws `insufficient_scope` if the principal lacks the scope. Anonymous calls pass; the function
 * decides whether they are allowed.
 */
export function assertScope(principal: Principal | null, scope: Scope): void {
  if (principal === null || grants(principal.rights, scope)) return;
  throw insufficient(`This needs the scope "${scope}"`, principal.rights, withScope(scope));
}

/**
 * Throws `insufficient_scope` if the key is restricted to functions that do not include this one.
 */
export function assertFunction(principal: Principal | null, scope: Scope, name: string): void {
  if (principal === null || !FUNCTION_SCOPES.has(scope) || coversFunction(principal.rights, name)) return;
  throw insufficient(
    `The scope "${scope}" does not reach function "${name}" here`,
    principal.rights,
    `Use a key that reaches "${name}", or make one with "orama keys create --functions".`,
  );
}

export interface RequestedRights {
  scopes?: readonly GrantedScope[] | undefined;
  functions?: readonly string[] | undefined;
}

/**
 * Returns the rights of a new key: those requested, or by default all rights of its maker. Throws
 * `insufficient_scope` if they exceed the maker's rights, instead of silently granting fewer.
 */
export function rightsWithin(maker: Rights, requested: RequestedRights): Rights {
  const scopes = requested.scopes ?? maker.scopes;
  for (const scope of scopes) {
    if (scope === ALL_SCOPES ? maker.scopes.includes(ALL_SCOPES) : grants(maker, scope)) continue;
    throw insufficient(
      `A key cannot be given the scope "${scope}", which its maker does not have`,
      maker,
      withScope(scope),
    );
  }
  const functions = requested.functions ?? maker.functions;
  for (const pattern of functions ?? []) {
    if (maker.functions === null || maker.functions.some((own) => globMatches(own, pattern))) continue;
    throw insufficient(
      `A key cannot be given the functions "${pattern}", which its maker cannot reach`,
      maker,
      'Leave them out, or use a key with the scope "keys" that reaches them.',
    );
  }
  return { scopes: [...new Set(scopes)], functions: functions === null ? null : [...new Set(functions)] };
}

function withScope(scope: GrantedScope): string {
  return `Use a key with the scope "${scope}", or make one with "orama keys create --scopes".`;
}

function insufficient(what: string, { scopes, functions }: Rights, remedy: string): AppError {
  const reach = functions === null ? '' : ` for the functions ${functions.join(', ')}`;
  return new AppError(
    'insufficient_scope',
    `${what}; this credential has ${scopes.join(', ')}${reach}. ${remedy}`,
  );
}
