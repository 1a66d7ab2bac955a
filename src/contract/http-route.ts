import { z } from 'zod';

/** In the records of what came to an HTTP function, and in no others. */
export const routeSchema = z
  .string()
  .nullable()
  .optional()
  .describe(
    "The route that matched, such as `GET /users/{id}`; null for the function's own address. Absent in what did not come to an HTTP function.",
  );

const exchangeSchema = z.object({ route: z.string().nullable() });

/**
 * Of the text that `http_request()` returns: the route, empty for the function's own address; null
 * without a request.
 */
export function routeOf(httpRequest: string | undefined): string | null {
  return httpRequest === undefined ? null : (exchangeSchema.parse(JSON.parse(httpRequest)).route ?? '');
}

/** As a record shows what `routeOf` returns. */
export function routeField(route: string | null): { route?: string | null } {
  return route === null ? {} : { route: route === '' ? null : route };
}
