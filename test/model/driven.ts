import assert from 'node:assert/strict';
import type { Api, ApiReply } from '../helpers/api.js';
import type { Cluster, ClusterProcess } from '../helpers/cluster.js';
import { commands } from '../helpers/probe.js';
import type { Step } from './steps.js';

export const FUNCTION = 'probe';
const TOPIC = 'again';
const AMID = 8;
const ASYNC = { prefer: 'respond-async' };

/** A namespace under random steps, with every response that its clients have received. */
export class Driven {
  /** Invocations that a client knows to be accepted. */
  readonly accepted = new Set<string>();
  /** The invocations returned for each idempotency key. */
  readonly byKey = new Map<string, Set<string>>();
  /** The status that a waiting client received. */
  readonly heard = new Map<string, number>();
  /** Invocations that a client knows to be cancelled. */
  readonly cancelled = new Set<string>();
  /** `retry.count` of each version. */
  readonly retries = new Map<number, number>();
  /** Nesting depth of each acknowledged event. */
  readonly published: number[] = [];
  /** Number of sent events, acknowledged or not. */
  sent = 0;
  kills = 0;
  deletes = 0;
  readonly #calls: Promise<void>[] = [];
  #worker: ClusterProcess;

  private constructor(
    readonly cluster: Cluster,
    readonly api: Api,
    readonly wasm: Uint8Array,
    worker: ClusterProcess,
  ) {
    this.#worker = worker;
  }

  static async start(cluster: Cluster, admin: Api, wasm: Uint8Array, namespace: string): Promise<Driven> {
    const { json } = await admin.post('/v1/auth/keys', { name: 'model', namespace });
    const driven = new Driven(cluster, admin.as(json.api_key), wasm, await cluster.worker());
    await driven.do({ do: 'deploy', retries: 1 });
    return driven;
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'deploy': {
        const { status, json, text } = await this.api.deploy(FUNCTION, this.wasm, {
          retry_count: String(step.retries),
          retry_delay_seconds: '0',
          metadata: JSON.stringify({ triggers: [{ topic: TOPIC }] }),
        });
        assert.equal(status, 201, text);
        this.retries.set(json.function.version, step.retries);
        return;
      }
      case 'invoke': {
        const slow = step.slow ? [{ op: 'sleep', n: 300 }] : [];
        const input = commands({ op: 'log', a: 'ran' }, ...slow, { op: step.fails ? 'exit' : 'echo', n: 1 });
        void this.#call(this.api.invoke(FUNCTION, input, step.how === 'async' ? ASYNC : {}));
        return;
      }
      case 'repeat': {
        const key = `key-${step.key}`;
        const input = commands({ op: 'cache_incr', a: key, n: 1 });
        void this.#call(this.api.invoke(FUNCTION, input, { ...ASYNC, 'idempotency-key': key }), key);
        return;
      }
      case 'publish': {
        let json: unknown = [];
        for (let level = 0; level < step.nested; level += 1) json = [{ op: 'publish', a: TOPIC, json }];
        this.sent += 1;
        const { status } = await this.api.publish(TOPIC, json);
        if (status === 200) this.published.push(step.nested);
        return;
      }
      case 'replay':
        void this.#call(this.api.post(`/v1/invocations/${await this.#one('dead')}/replay`, {}));
        return;
      case 'cancel': {
        const id = step.state === 'delayed' ? await this.#delayed() : await this.#one(step.state);
        const { status } = await this.api.delete(`/v1/invocations/${id}`);
        if (status === 200) this.cancelled.add(id);
        return;
      }
      case 'kill':
        if (step.amid) await Promise.race(Array.from({ length: AMID }, () => this.#quickCall()));
        this.kills += 1;
        await this.#worker.kill9();
        this.#worker = await this.cluster.worker();
        return;
      case 'restart':
        assert.equal(await this.#worker.stop(), 0, this.#worker.log());
        this.#worker = await this.cluster.worker();
        return;
      case 'delete':
        this.deletes += 1;
        await this.api.delete(`/v1/functions/${FUNCTION}`);
        await this.do({ do: 'deploy', retries: 1 });
    }
  }

  /** Waits until every call has been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls);
  }

  async close(): Promise<void> {
    await this.#worker.kill9();
  }

  async #one(state: string): Promise<string> {
    const { json } = await this.api.get(`/v1/invocations?status=${state}&limit=1`);
    return json.invocations[0]?.request_id ?? crypto.randomUUID();
  }

  /** Invokes the function with a delay that exceeds the duration of the run. */
  async #delayed(): Promise<string> {
    const call = this.api.invoke(FUNCTION, commands(), { ...ASYNC, 'x-delay-seconds': '600' });
    await this.#call(call);
    return (await call).json.request_id;
  }

  #quickCall(): Promise<void> {
    return this.#call(this.api.invoke(FUNCTION, commands({ op: 'log', a: 'ran' })));
  }

  #call(call: Promise<ApiReply>, key?: string): Promise<void> {
    const heard = call.then(({ status, headers, json }) => {
      if (status >= 400 && status !== 500 && status !== 504 && status !== 499) return;
      const id: string = json?.request_id ?? headers.get('x-request-id');
      this.accepted.add(id);
      if (status !== 202) this.heard.set(id, status);
      if (key !== undefined) this.byKey.set(key, (this.byKey.get(key) ?? new Set()).add(id));
    });
    this.#calls.push(heard);
    return heard;
  }
}
