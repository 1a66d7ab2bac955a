import { z } from 'zod';
import { AppError } from '../errors.js';

const OF_HTTP_ONLY = 'Absent in what did not come to an HTTP function.';

/** In the records of what came to an HTTP function, and in no others. */
export const httpFieldsSchema = {
  route: z
    .string()
    .nullable()
    .optional()
    .describe(
      `The route that matched, such as \`GET /users/{id}\`; null for the function's own address. ${OF_HTTP_ONLY}`,
    ),
  method: z.string().optional().describe(`The method that the function was called with. ${OF_HTTP_ONLY}`),
  http_status: z
    .number()
    .int()
    .nullable()
    .optional()
    .describe(
      `The status that the client was answered with; 202 with \`mode: async\`. Null when nobody was answered: an attempt that is retried, a replay. ${OF_HTTP_ONLY}`,
    ),
};

const exchangeSchema = z.object({ method: z.string(), route: z.string().nullable() });

/** What a log row has of a request to an HTTP function. */
export interface HttpOfAttempt {
  method: string;
  /** Null for the function's own address. */
  route: string | null;
  /** Null when no client was answered. */
  status: number | null;
}

/** Of the text that `http_request()` returns; null without a request. */
export function httpOf(httpRequest: string | undefined, status: number | null): HttpOfAttempt | null {
  if (httpRequest === undefined) return null;
  const { method, route } = exchangeSchema.parse(JSON.parse(httpRequest));
  return { method, route: route === '' ? null : route, status };
}

/** As a record shows it. */
export function httpFields(http: HttpOfAttempt | null): {
  route?: string | null;
  method?: string;
  http_status?: number | null;
} {
  return http === null ? {} : { route: http.route, method: http.method, http_status: http.status };
}

/** The refusal of a second claim to a method and path. */
export function routeTaken(route: string, owner: { function: string; route: string }): AppError {
  return new AppError(
    'conflict',
    `The route "${route}" is taken by function "${owner.function}" ("${owner.route}"); choose another path or remove it there first.`,
  );
}
