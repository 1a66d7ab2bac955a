/** Thrown when a thread cannot be started: the machine and not the module is the reason. */
export class ThreadStartError extends Error {
  constructor(cause: unknown) {
    super('a thread could not be started', { cause });
    this.name = 'ThreadStartError';
  }
}
