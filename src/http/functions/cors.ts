import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { CorsSettings } from '../../contract/http-function.js';

/**
 * Sets the CORS headers of a function's response. Resolves with true if it has answered the request
 * itself, as a preflight.
 */
export function applyCors(
  settings: CorsSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { origins, methods, headers, credentials, max_age: maxAge } = settings;
  const handle = cors<IncomingMessage>({
    origin: origins.includes('*') ? '*' : origins,
    credentials,
    maxAge,
    ...(methods ? { methods } : {}),
    ...(headers ? { allowedHeaders: headers } : {}),
  });
  return new Promise((resolve, reject) => {
    response.once('finish', () => resolve(true));
    handle(request, response, (error?: unknown) => {
      if (error === undefined || error === null) resolve(false);
      else reject(error);
    });
  });
}
