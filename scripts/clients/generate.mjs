import openapiTS, { astToString } from 'openapi-typescript';
import { openApi } from '../../dist/src/http/pages/openapi.js';
import { routes } from '../../dist/src/http/routes.js';
import { goShapes } from './go.mjs';
import { pythonShapes } from './python.mjs';

/** The routes that the clients call. The whole document would be a hundred times as long. */
const PATHS = [
  '/v1/functions/{name}/invoke',
  '/v1/functions/{name}/dead',
  '/v1/functions/{name}/dead/replay',
  '/v1/invocations',
  '/v1/invocations/{id}',
  '/v1/invocations/{id}/replay',
  '/v1/pubsub/publish',
  '/v1/pubsub/publish/batch',
  '/v1/auth/whoami',
];

/**
 * Returns the client files that are generated from the schemas, by path; a test compares them with
 * the files in the repository.
 */
export async function generatedClientFiles() {
  const used = routes.filter(({ path }) => PATHS.includes(path));
  const document = openApi(used, '1');
  const invocation =
    document.paths['/v1/invocations/{id}'].get.responses[200].content['application/json'].schema;
  const codes = document.components.schemas.Error.properties.code.enum;
  return {
    'clients/typescript/src/openapi.ts': await typescript(document),
    'sdk/go/oramaclient/shapes.go': goShapes(invocation, codes),
    'clients/python/src/orama_functions_client/_shapes.py': pythonShapes(invocation, codes),
  };
}

async function typescript(document) {
  const text = astToString(await openapiTS(document, { alphabetize: true }));
  return `// Generated from the OpenAPI document by "npm run clients"; do not edit.\n${text}`;
}
