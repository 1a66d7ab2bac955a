/**
 * One error for all runs: `abort()` without a reason would create an exception with a stack trace
 * per run.
 */
const REASON = new Error('the guest has ended');

/**
 * Aborts host calls that outlive their guest. The signal is created on first access, because most
 * guests make no host call.
 */
export class GuestEnd {
  #controller: AbortController | undefined;
  #hasEnded = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasEnded) this.#controller.abort(REASON);
    return this.#controller.signal;
  }

  signalEnd(): void {
    this.#hasEnded = true;
    this.#controller?.abort(REASON);
  }
}
