import * as z from 'zod';
import { AppError } from '../errors.js';

const OF_HTTP_ONLY = 'Absent in what did not come to an HTTP function.';

/** Fields that only records of HTTP functions have. */
export const httpFieldsSchema = {
  route: z
    .string()
    .nullable()
    .optional()
    .describe(
      `The matched route, such as \`GET /users/{id}\`; null for the function's own address. ${OF_HTTP_ONLY}`,
    ),
  method: z.string().optional().describe(`The method of the request. ${OF_HTTP_ONLY}`),
  http_status: z
    .number()
    .int()
    .nullable()
    .optional()
    .describe(
      `The HTTP status of the response; 202 with \`mode: async\`. Null if no response was sent, as for a retried attempt or a replay. ${OF_HTTP_ONLY}`,
    ),
};

const exchangeSchema = z.object({ method: z.string(), route: z.string().nullable() });

/** The HTTP part of a log row. */
export interface HttpOfAttempt {
  method: string;
  /** Null for the function's own address. */
  route: string | null;
  /** Null if no response was sent. */
  status: number | null;
}

/**
 * Derives the HTTP part of a log row from the result of `http_request()`; null without a request.
 */
export function httpOf(httpRequest: string | undefined, status: number | null): HttpOfAttempt | null {
  if (httpRequest === undefined) return null;
  const { method, route } = exchangeSchema.parse(JSON.parse(httpRequest));
  return { method, route: route === '' ? null : route, status };
}

/** Converts it to the fields of a record. */
export function httpFields(http: HttpOfAttempt | null): {
  route?: string | null;
  method?: string;
  http_status?: number | null;
} {
  return http === null ? {} : { route: http.route, method: http.method, http_status: http.status };
}

/** The limit of the routes of a namespace: the characters of all of them together. */
export const MAX_ROUTES_LENGTH = 128 * 1024;

/** Creates the error for a function with whose routes the namespace has too many. */
export function tooManyRoutes(length: number): AppError {
  return new AppError(
    'conflict',
    `The routes of this namespace would have ${length} characters together; at most ${MAX_ROUTES_LENGTH} are allowed. Use routes with parameters, such as "GET /users/{id}" or "GET /files/{path...}", instead of one for each path.`,
  );
}

/** Creates the error for a route that another function already has. */
export function routeTaken(route: string, owner: { function: string; route: string }): AppError {
  return new AppError(
    'conflict',
    `The route "${route}" is taken by function "${owner.function}" ("${owner.route}"); choose another path or remove it there first.`,
  );
}
