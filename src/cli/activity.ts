import type { Terminal } from './terminal.js';

/** Shows a status line while the work runs. */
export async function withActivity<T>(terminal: Terminal, text: string, work: () => Promise<T>): Promise<T> {
  const activity = terminal.activity(text);
  try {
    return await work();
  } finally {
    activity.end();
  }
}

/** Shows the progress of several concurrent tasks and which of them are running. */
export class Progress {
  readonly #running = new Set<string>();
  readonly #activity;
  #done = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly verb: string,
    private readonly total: number,
  ) {
    this.#activity = terminal.activity(verb);
  }

  /** Runs one task. When it is done, prints the line that `describe` returns. */
  async of<T>(name: string, work: () => Promise<T>, describe: (result: T) => string): Promise<T> {
    this.#running.add(name);
    this.#draw();
    try {
      const result = await work();
      this.#done += 1;
      this.terminal.progress(`[${this.#done}/${this.total}] ${name}: ${describe(result)}`);
      return result;
    } finally {
      this.#running.delete(name);
      this.#draw();
    }
  }

  end(): void {
    this.#activity.end();
  }

  #draw(): void {
    this.#activity.update(`[${this.#done}/${this.total}] ${this.verb} ${[...this.#running].join(', ')}`);
  }
}
