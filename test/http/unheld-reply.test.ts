import test from 'ava';
import type { Context } from 'koa';
import { newRequestId } from '../../src/core/invocations/job.js';
import { AppError } from '../../src/errors.js';
import { send } from '../../src/http/response/send.js';
import { sendHttpRequest } from '../../src/http/routes/http-requests.js';

test('the error names the invocation of an HTTP request for whose reply there is no memory', async (t) => {
  const id = newRequestId();
  const sendToFunctions = async () => ({
    request_id: id,
    status: 200,
    headers: {},
    body: 'x'.repeat(100_000),
    duration_ms: 1,
  });
  type Call = Parameters<typeof sendHttpRequest.handle>[0];
  const call = { sendToFunctions, ctx: { req: {}, res: { once() {} } } } as unknown as Call;
  const result = await sendHttpRequest.handle(call);
  const sending = send({ response: {} } as Context, result, {
    hot: false,
    isRead: false,
    hold() {
      throw new AppError('rate_limited', 'There is no memory.');
    },
    compress: async (text) => Buffer.from(text),
  });
  const error = await t.throwsAsync(sending, { code: 'ambiguous_write' });
  t.true(error?.message.includes(`carried out by invocation ${id}`), error?.message);
});
