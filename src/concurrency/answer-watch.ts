import { setTimeout as sleep } from 'node:timers/promises';

/** The length of a step, in milliseconds. */
const STEP_MS = 250;
/** How many steps a server may be silent while requests are pending, before it is asked. */
const SILENT_STEPS = 8;
/** How many steps it has to answer. */
const ANSWER_STEPS = 8;

/** The reason with which requests to a silent server are aborted. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';

  constructor() {
    super('it accepts connections but does not answer');
  }
}

export interface AnswerWatchOptions {
  /**
   * Sends a request that the server answers at once whatever it is busy with, on a connection of
   * its own. Any answer counts, also an error.
   */
  ask(signal: AbortSignal): Promise<unknown>;
}

/**
 * Detects that a server accepts connections but no longer answers: its process is frozen, or the
 * network loses its packets. A timeout of a request cannot tell that from a request that takes
 * long. Therefore a server that has been silent for two seconds while requests were pending is
 * asked, and if it does not answer within two more, the pending requests are aborted with
 * `SilentServerError`.
 *
 * Time is counted in steps, since a timer that is due does not show that time has passed for the
 * server, too: after a pause of this process, the answers that have arrived meanwhile are read only
 * after the timer.
 */
export class AnswerWatch {
  readonly #ask: AnswerWatchOptions['ask'];
  readonly #pending = new Set<AbortController>();
  #answers = 0;
  /** Whether the server has not answered when it was last asked. */
  #isSilent = false;
  #isWatching = false;

  constructor({ ask }: AnswerWatchOptions) {
    this.#ask = ask;
  }

  /** Runs a request, which the signal aborts when the server is found to be silent. */
  async run<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#pending.add(controller);
    if (!this.#isWatching) void this.#watch();
    try {
      const result = await request(controller.signal);
      this.#answered();
      return result;
    } finally {
      this.#pending.delete(controller);
    }
  }

  #answered(): void {
    this.#answers += 1;
    this.#isSilent = false;
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (this.#pending.size > 0) {
      const answers = this.#answers;
      const isQuiet = () => this.#answers === answers && this.#pending.size > 0;
      // A server that was silent when it was last asked is asked again at once.
      await steps(this.#isSilent ? 1 : SILENT_STEPS, isQuiet);
      if (!isQuiet()) continue;
      const waiting = [...this.#pending];
      if (await this.#doesAnswer()) {
        this.#answered();
        continue;
      }
      if (this.#answers !== answers) continue;
      this.#isSilent = true;
      for (const controller of waiting) controller.abort(new SilentServerError());
    }
    this.#isWatching = false;
  }

  async #doesAnswer(): Promise<boolean> {
    const asking = new AbortController();
    let isAsking = true;
    const answered = this.#ask(asking.signal).then(
      () => true,
      () => false,
    );
    const late = steps(ANSWER_STEPS, () => isAsking).then(() => false);
    try {
      return await Promise.race([answered, late]);
    } finally {
      isAsking = false;
      asking.abort();
    }
  }
}

/** Waits for a number of steps, or until `goesOn` returns false after one of them. */
async function steps(count: number, goesOn: () => boolean): Promise<void> {
  for (let step = 0; step < count && goesOn(); step += 1) await sleep(STEP_MS, undefined, { ref: false });
}
