import type { RedisQueueBackend } from 'bullmq';

/**
 * BullMQ's sign that there is something to look for: a job, or at `score` one whose delay is over
 * then.
 */
export type Marker = NonNullable<Awaited<ReturnType<RedisQueueBackend['waitForJob']>>>;
export const NOW: Marker = { member: '0', score: 0 };

interface Waiting {
  timer: NodeJS.Timeout;
  resolve(marker: Marker | null): void;
  reject(error: unknown): void;
}

/**
 * A worker's wait for the marker, which this process can end as well. The command that listens for
 * it goes on then, until the next wait: Redis gives the marker to a command, whether or not anybody
 * still wants it. What comes when nobody waits goes to `strayed`.
 */
export class MarkerWait {
  readonly #listen: (seconds: number) => Promise<Marker | null>;
  readonly #strayed: (marker: Marker) => void;
  #listening = false;
  #waiting: Waiting | undefined;

  constructor(listen: (seconds: number) => Promise<Marker | null>, strayed: (marker: Marker) => void) {
    this.#listen = listen;
    this.#strayed = strayed;
  }

  /**
   * The marker, or null when there was none for so long. Rejects when it cannot be listened for.
   */
  wait(seconds: number): Promise<Marker | null> {
    return new Promise((resolve, reject) => {
      // The command may be of an earlier wait, and a longer one.
      const timer = setTimeout(() => this.#end()?.resolve(null), seconds * 1000);
      this.#waiting = { timer, resolve, reject };
      if (!this.#listening) void this.#hear(seconds);
    });
  }

  /** Ends the wait, if there is one. */
  end(): void {
    this.#end()?.resolve(NOW);
  }

  async #hear(seconds: number): Promise<void> {
    this.#listening = true;
    try {
      const marker = await this.#listen(seconds);
      this.#listening = false;
      const waiting = this.#end();
      if (waiting !== undefined) waiting.resolve(marker);
      else if (marker !== null) this.#strayed(marker);
    } catch (error) {
      this.#listening = false;
      this.#end()?.reject(error);
    }
  }

  #end(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
