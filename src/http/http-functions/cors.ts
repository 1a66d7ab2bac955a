import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { CorsSettings } from '../../contract/http-function.js';

/** Sets the CORS headers of a function's response, or of the response to a preflight. */
export function applyCors(settings: CorsSettings, request: IncomingMessage, response: ServerResponse): void {
  const { origins, methods, headers, credentials, max_age: maxAge } = settings;
  const handle = cors<IncomingMessage>({
    origin: origins.includes('*') ? '*' : origins,
    credentials,
    maxAge,
    // By default it ends the response to OPTIONS, which a function may answer itself.
    preflightContinue: true,
    ...(methods ? { methods } : {}),
    ...(headers ? { allowedHeaders: headers } : {}),
  });
  handle(request, response, () => undefined);
}
