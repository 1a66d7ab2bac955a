import { z } from 'zod';
import { messageReplySchema } from '../../contract/http/common.js';
import {
  blobStatusReplySchema,
  cidPath,
  pinBodySchema,
  pinReplySchema,
  uploadReplySchema,
} from '../../contract/http/data.js';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';
import { giveUpBlob, storeBlob } from '../../core/stored-blobs.js';
import { AppError } from '../../errors.js';
import type { BlobOwner } from '../../ports/store.js';
import { json, route } from '../route.js';
import type { Services } from '../services.js';

const tag = 'Storage';
const MAX_UPLOAD_BYTES = 32 * MB;
const MAX_NAME = 256;

export const upload = route({
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
    fields: z.object({ name: z.string().max(MAX_NAME).optional() }),
  },
  replies: { 200: { about: 'Stored and pinned.', schema: uploadReplySchema } },
  errors: ['unsupported_media_type', 'quota_exceeded', 'unavailable'],
  async handle({ services, namespace, body: { file, fields } }) {
    const name = (fields.name ?? file.filename).slice(0, MAX_NAME);
    const cid = await storeBlob(stores(services), namespace, { bytes: file.bytes, name });
    return json(200, { cid, name, size: file.bytes.byteLength });
  },
});

export const download = route({
  method: 'GET',
  path: '/v1/storage/get/{cid}',
  tag,
  summary: 'Read a file that the namespace has stored',
  access: 'required',
  scope: 'data',
  params: cidPath,
  replies: { 200: { about: 'The file.', types: { 'application/octet-stream': 'Its bytes.' } } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, params }) {
    await owned(services, namespace, params.cid);
    return {
      status: 200,
      bytes: await services.blobs.get(params.cid),
      type: 'application/octet-stream',
      // What strangers have put here must not run in the browser as a page of this host.
      headers: { 'Content-Disposition': 'attachment', ETag: `"${params.cid}"` },
    };
  },
});

export const status = route({
  method: 'GET',
  path: '/v1/storage/status/{cid}',
  tag,
  summary: 'Show what is known of a file',
  access: 'required',
  scope: 'data',
  params: cidPath,
  replies: { 200: { about: 'The file.', schema: blobStatusReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, params }) {
    const { cid, name, size, createdAt } = await owned(services, namespace, params.cid);
    const isThere = await services.blobs.has(cid);
    return json(200, {
      cid,
      name,
      size,
      status: isThere ? 'pinned' : 'missing',
      created_at: new Date(createdAt).toISOString(),
    });
  },
});

export const pin = route({
  method: 'POST',
  path: '/v1/storage/pin',
  tag,
  summary: 'Make sure that a file which the namespace has stored stays',
  description:
    'What is uploaded is pinned. Knowing a CID grants nothing: one that the namespace has not put is 404.',
  access: 'required',
  scope: 'data',
  body: { kind: 'json', schema: pinBodySchema },
  replies: { 200: { about: 'Pinned.', schema: pinReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, body }) {
    const { cid, name } = await owned(services, namespace, body.cid);
    return json(200, { cid, name });
  },
});

export const unpin = route({
  method: 'DELETE',
  path: '/v1/storage/unpin/{cid}',
  tag,
  summary: 'Give up a file; its bytes go when nobody else has stored them',
  access: 'required',
  scope: 'data',
  params: cidPath,
  replies: { 200: { about: 'Given up.', schema: messageReplySchema } },
  errors: ['not_found', 'unavailable'],
  async handle({ services, namespace, params: { cid } }) {
    if (!(await giveUpBlob(stores(services), namespace, cid))) throw unknown(cid);
    return json(200, { message: `${cid} unpinned.` });
  },
});

const stores = ({ blobs, blobOwners: owners, quotas }: Services) => ({ blobs, owners, quotas });

async function owned(services: Services, namespace: Namespace, cid: string): Promise<BlobOwner> {
  const blob = await services.blobOwners.get(namespace, cid);
  if (!blob) throw unknown(cid);
  return blob;
}

function unknown(cid: string): AppError {
  return new AppError('not_found', `This namespace has stored nothing with the CID ${cid}.`);
}
