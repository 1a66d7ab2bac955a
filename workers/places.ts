import type { Pace } from './pace.js';
import type { Run } from './run.js';

/**
 * Who computes and who waits. As many guests compute as there are cores, others wait beside them in a host call or a sleep;
 * those of a program that does little else are counted among the waiting from the beginning.
 */
export class Places {
  readonly #sizes: { threads: number; parked: number };
  readonly #pace: Pace;
  #computing = 0;
  #parked = 0;

  constructor(sizes: { threads: number; parked: number }, pace: Pace) {
    this.#sizes = sizes;
    this.#pace = pace;
  }

  get computing(): number {
    return this.#computing;
  }

  get parked(): number {
    return this.#parked;
  }

  mayBegin(run: Run): boolean {
    return this.#computing < this.#sizes.threads || this.#beginsAside(run);
  }

  /** For a run that its thread begins now, whether there is room or not. */
  begin(run: Run): void {
    if (this.#beginsAside(run)) this.#set(run, 'parked');
    else this.compute(run);
  }

  /** Gives the run's place among those that compute away. False when it stays: there is no room for one more that waits. */
  park(run: Run): boolean {
    if (run.place !== 'computing' || this.#parked >= this.#sizes.parked) return false;
    this.#set(run, 'parked');
    return true;
  }

  /**
   * The run goes on. It does not wait for a place: its own time is running, and one may be held by a guest that computes for
   * minutes. So more guests may compute for a while, and none begins until they are fewer.
   */
  resume(run: Run): void {
    if (!this.#pace.mostlyWaits(run.program)) this.compute(run);
  }

  compute(run: Run): void {
    this.#set(run, 'computing');
  }

  leave(run: Run): void {
    this.#set(run, null);
  }

  #beginsAside(run: Run): boolean {
    return this.#parked < this.#sizes.parked && this.#pace.mostlyWaits(run.program);
  }

  #set(run: Run, place: Run['place']): void {
    if (run.place === 'computing') this.#computing--;
    if (run.place === 'parked') this.#parked--;
    run.place = place;
    if (place === 'computing') this.#computing++;
    if (place === 'parked') this.#parked++;
  }
}
