import type { paths } from './openapi.js';

type Reply<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

/** An invocation as returned by the API. */
export type Invocation = Reply<'/v1/invocations/{id}'>;
export type InvocationState = Invocation['state'];
export type InvocationPage = Reply<'/v1/invocations'>;
