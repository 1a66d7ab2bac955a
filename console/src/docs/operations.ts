import { call } from '../api/request.js';

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: { type?: string; enum?: readonly string[] };
}

interface Media {
  schema?: { properties?: Record<string, { contentMediaType?: string }> };
  example?: unknown;
}

/** The parts of an OpenAPI operation that are needed to send it. */
export interface Operation {
  operationId: string;
  method: string;
  path: string;
  parameters: readonly Parameter[];
  security?: readonly object[];
  requestBody?: { content: Readonly<Record<string, Media>> };
}

interface OpenApi {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
}

export async function loadOperations(): Promise<ReadonlyMap<string, Operation>> {
  const document = await call<OpenApi>('GET', '/openapi.json');
  return new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        operation.operationId,
        { ...operation, method: method.toUpperCase(), path },
      ]),
    ),
  );
}
