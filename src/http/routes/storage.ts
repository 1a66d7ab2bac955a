import { messageReplySchema } from '../../contract/http/common.js';
import {
  blobStatusReplySchema,
  cidPath,
  pinBodySchema,
  pinReplySchema,
  uploadFieldsSchema,
  uploadReplySchema,
} from '../../contract/http/data.js';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';
import { parseOrThrow } from '../../contract/parse-or-throw.js';
import { releaseBlob, storeBlob } from '../../core/functions/stored-blobs.js';
import { AppError } from '../../errors.js';
import type { BlobOwner } from '../../ports/store/blob-owners.js';
import { json, routeUsing } from '../route.js';
import type { Services } from '../services.js';

const route = routeUsing<'blobOwners' | 'blobs' | 'quotas'>();

const tag = 'Storage';
const MAX_UPLOAD_BYTES = 32 * MB;
const MAX_NAME = 256;

export const upload = route({
  operationId: 'uploadBlob',
  method: 'POST',
  path: '/v1/storage/upload',
  tag,
  summary: 'Store a file; functions read it with storage_get',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'multipart',
    file: 'file',
    maxFileBytes: MAX_UPLOAD_BYTES,
    fields: uploadFieldsSchema,
    example: { name: 'logo.png' },
  },
  responses: { 200: { description: 'Stored and pinned.', schema: uploadReplySchema } },
  errors: ['unsupported_media_type', 'quota_exceeded', 'unavailable'],
  async handle({ services, namespace, body: { file, fields } }) {
    const { name: given } = parseOrThrow(uploadFieldsSchema, fields, { code: 'invalid_request' });
    const name = (given ?? file.filename).slice(0, MAX_NAME);
    const cid = await storeBlob(stores(services), namespace, { bytes: file.bytes, name });
    return json(200, { cid, name, size: file.bytes.byteLength });
  },
});

export const download = route({
  operationId: 'downloadBlob',
  method: 'GET',
  path: '/v1/storage/get/{cid}',
  tag,
  summary: 'Read a file that the namespace has stored',
  access: 'required',
  scope: 'data',
  params: cidPath,
  responses: { 200: { description: 'The file.', types: { 'application/octet-stream': 'The bytes.' } } },
  errors: ['not_found', 'rate_limited', 'unavailable'],
  async handle({ services, namespace, params, readReply }) {
    const { size } = await owned(services, namespace, params.cid);
    return {
      status: 200,
      bytes: await readReply(size, () => services.blobs.get(params.cid)),
      type: 'application/octet-stream',
      // Blobs are untrusted content and must not be displayed as a page of this origin.
      headers: { 'Content-Disposition': 'attachment', ETag: `"${params.cid}"` },
    };
  },
});

export const status = route({
  operationId: 'getBlobStatus',
  method: 'GET',
  path: '/v1/storage/status/{cid}',
  tag,
  summary: 'Show the status of a file',
  access: 'required',
  scope: 'data',
  params: cidPath,
  responses: { 200: { description: 'The file.', schema: blobStatusReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, params }) {
    const { cid, name, size, createdAt } = await owned(services, namespace, params.cid);
    const isPinned = await services.blobs.has(cid);
    const nodes = isPinned ? await services.blobs.nodes() : [];
    return json(200, {
      cid,
      name,
      size,
      status: isPinned ? 'pinned' : 'unpinned',
      replication_min: 1,
      replication_max: 1,
      replication_factor: isPinned ? 1 : 0,
      peers: isPinned && nodes.length === 0 ? [services.blobs.driver] : nodes.map(({ id }) => id),
      created_at: new Date(createdAt).toISOString(),
    });
  },
});

export const pin = route({
  operationId: 'pinBlob',
  method: 'POST',
  path: '/v1/storage/pin',
  tag,
  summary: 'Check that a stored file exists, pin it, and rename it',
  description:
    'Uploaded files are pinned. Knowing a CID grants no access: a file that the namespace has not stored is 404.',
  access: 'required',
  scope: 'data',
  body: {
    kind: 'json',
    schema: pinBodySchema,
    example: { cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', name: 'logo.png' },
  },
  responses: { 200: { description: 'Pinned.', schema: pinReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, body }) {
    const { cid, name } = await owned(services, namespace, body.cid);
    if (!(await services.blobs.has(cid))) {
      throw new AppError('not_found', `The store has lost ${cid}; upload it again.`);
    }
    const wanted = body.name || name;
    if (wanted !== name) await services.blobOwners.rename(namespace, cid, wanted);
    return json(200, { cid, name: wanted });
  },
});

export const unpin = route({
  operationId: 'unpinBlob',
  method: 'DELETE',
  path: '/v1/storage/unpin/{cid}',
  tag,
  summary: 'Delete a file; its bytes are deleted when no other reference exists',
  access: 'required',
  scope: 'data',
  params: cidPath,
  responses: { 200: { description: 'Deleted.', schema: messageReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, params: { cid } }) {
    if (!(await releaseBlob(stores(services), namespace, cid))) throw unknown(cid);
    return json(200, { message: `${cid} unpinned.` });
  },
});

const stores = ({
  blobs,
  blobOwners: owners,
  quotas,
}: Pick<Services, 'blobs' | 'blobOwners' | 'quotas'>) => ({ blobs, owners, quotas });

async function owned(
  services: Pick<Services, 'blobOwners'>,
  namespace: Namespace,
  cid: string,
): Promise<BlobOwner> {
  const blob = await services.blobOwners.get(namespace, cid);
  if (!blob) throw unknown(cid);
  return blob;
}

function unknown(cid: string): AppError {
  return new AppError('not_found', `This namespace has stored nothing with the CID ${cid}.`);
}
