/** One for all: abort() would make an exception with a stack for each run. */
const REASON = new Error('the guest is gone');

/**
 * Stops host calls that outlive their guest. The signal is made when it is asked for: most guests
 * call nothing.
 */
export class GuestGone {
  #controller: AbortController | undefined;
  #isGone = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isGone) this.#controller.abort(REASON);
    return this.#controller.signal;
  }

  set(): void {
    this.#isGone = true;
    this.#controller?.abort(REASON);
  }
}
