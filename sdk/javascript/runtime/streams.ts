// ReadableStream (Streams standard), as far as bodies need it: default readers, no byte streams, no
// piping.

interface Source<T> {
  start?(controller: ReadableStreamDefaultController<T>): unknown;
  pull?(controller: ReadableStreamDefaultController<T>): unknown;
  cancel?(reason?: unknown): unknown;
}

export type ReadResult<T> = { done: false; value: T } | { done: true; value: undefined };

interface Waiting<T> {
  resolve(result: ReadResult<T>): void;
  reject(reason: unknown): void;
}

interface State<T> {
  queue: T[];
  waiting: Waiting<T>[];
  phase: 'readable' | 'closing' | 'closed' | 'errored';
  error: unknown;
  /** Settles when the stream is closed or fails. */
  ended: { promise: Promise<undefined>; resolve(value: undefined): void; reject(reason: unknown): void };
  reader: ReadableStreamDefaultReader<T> | null;
  source: Source<T>;
  started: Promise<unknown>;
  pulling: boolean;
  /** Whether a chunk arrived or was asked for during a pull, which may then be repeated. */
  pullAgain: boolean;
}

const states = new WeakMap<object, State<unknown>>();

function stateOf<T>(stream: object): State<T> {
  const state = states.get(stream);
  if (state === undefined) throw new TypeError('Not a ReadableStream of this runtime');
  return state as State<T>;
}

export class ReadableStreamDefaultController<T = unknown> {
  readonly #state: State<T>;

  constructor(state: State<T>) {
    this.#state = state;
  }

  get desiredSize(): number | null {
    const { phase, queue } = this.#state;
    if (phase === 'errored') return null;
    return phase === 'closed' ? 0 : 1 - queue.length;
  }

  enqueue(chunk: T): void {
    const state = this.#state;
    if (state.phase !== 'readable') throw new TypeError('The stream is closed');
    const next = state.waiting.shift();
    if (next === undefined) state.queue.push(chunk);
    else next.resolve({ done: false, value: chunk });
    void pull(state);
  }

  close(): void {
    const state = this.#state;
    if (state.phase !== 'readable') throw new TypeError('The stream is closed');
    if (state.queue.length > 0) state.phase = 'closing';
    else end(state);
  }

  error(reason?: unknown): void {
    fail(this.#state, reason);
  }
}

function end<T>(state: State<T>): void {
  state.phase = 'closed';
  for (const { resolve } of state.waiting.splice(0)) resolve({ done: true, value: undefined });
  state.ended.resolve(undefined);
}

function fail<T>(state: State<T>, reason: unknown): void {
  if (state.phase === 'closed' || state.phase === 'errored') return;
  state.phase = 'errored';
  state.error = reason;
  state.queue = [];
  for (const { reject } of state.waiting.splice(0)) reject(reason);
  state.ended.reject(reason);
}

export class ReadableStream<T = unknown> {
  constructor(source: Source<T> = {}) {
    const state: State<T> = {
      queue: [],
      waiting: [],
      phase: 'readable',
      error: undefined,
      ended: Promise.withResolvers(),
      reader: null,
      source,
      started: Promise.resolve(),
      pulling: false,
      pullAgain: false,
    };
    // Few functions read `closed`, and its rejection is no error of those that do not.
    state.ended.promise.catch(() => {});
    states.set(this, state as State<unknown>);
    const controller = new ReadableStreamDefaultController(state);
    controllers.set(state, controller);
    state.started = Promise.resolve(source.start?.(controller)).catch((error) => fail(state, error));
  }

  static from<T>(items: Iterable<T> | AsyncIterable<T>): ReadableStream<T> {
    const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    return new ReadableStream<T>({
      async pull(controller) {
        const next = await iterator.next();
        if (next.done === true) controller.close();
        else controller.enqueue(await next.value);
      },
      cancel: async (reason) => void (await iterator.return?.(reason)),
    });
  }

  get locked(): boolean {
    return stateOf(this).reader !== null;
  }

  getReader(): ReadableStreamDefaultReader<T> {
    return new ReadableStreamDefaultReader(this);
  }

  async cancel(reason?: unknown): Promise<void> {
    if (this.locked) throw new TypeError('The stream is locked to a reader');
    await cancel(stateOf(this), reason);
  }

  async *values({ preventCancel = false } = {}): AsyncGenerator<T, void> {
    const reader = this.getReader();
    let ended = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        yield value;
      }
      ended = true;
    } finally {
      if (!ended && !preventCancel) await reader.cancel();
      reader.releaseLock();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void> {
    return this.values();
  }
}

const controllers = new WeakMap<object, unknown>();

export class ReadableStreamDefaultReader<T = unknown> {
  #state: State<T> | null;

  constructor(stream: ReadableStream<T>) {
    const state = stateOf<T>(stream);
    if (state.reader !== null) throw new TypeError('The stream is locked to a reader');
    state.reader = this;
    this.#state = state;
  }

  get closed(): Promise<undefined> {
    return this.#state?.ended.promise ?? Promise.reject(new TypeError('The reader was released'));
  }

  async read(): Promise<ReadResult<T>> {
    const state = this.#state;
    if (state === null) throw new TypeError('The reader was released');
    await state.started;
    const released = this.#state === null;
    if (state.queue.length > 0) {
      const value = state.queue.shift() as T;
      if (state.queue.length === 0 && state.phase === 'closing') end(state);
      return { done: false, value };
    }
    if (state.phase === 'errored') throw state.error;
    if (state.phase !== 'readable') return { done: true, value: undefined };
    if (released) throw new TypeError('The reader was released');
    const result = new Promise<ReadResult<T>>((resolve, reject) => state.waiting.push({ resolve, reject }));
    void pull(state);
    return result;
  }

  async cancel(reason?: unknown): Promise<void> {
    if (this.#state === null) throw new TypeError('The reader was released');
    await cancel(this.#state, reason);
  }

  releaseLock(): void {
    const state = this.#state;
    if (state === null) return;
    state.reader = null;
    this.#state = null;
    for (const { reject } of state.waiting.splice(0)) reject(new TypeError('The reader was released'));
  }
}

/**
 * Pulls while a read is waiting. A pull without a chunk is not repeated: the source may have a
 * timer or a request that gives it, and these would never get their turn.
 */
async function pull<T>(state: State<T>): Promise<void> {
  state.pullAgain = true;
  if (state.pulling || state.source.pull === undefined) return;
  state.pulling = true;
  try {
    while (state.pullAgain && state.waiting.length > 0 && state.phase === 'readable') {
      state.pullAgain = false;
      await state.source.pull(controllers.get(state) as ReadableStreamDefaultController<T>);
    }
  } catch (error) {
    fail(state, error);
  } finally {
    state.pulling = false;
  }
}

async function cancel<T>(state: State<T>, reason: unknown): Promise<void> {
  if (state.phase === 'errored') throw state.error;
  if (state.phase === 'closed') return;
  state.queue = [];
  end(state);
  await state.source.cancel?.(reason);
}
