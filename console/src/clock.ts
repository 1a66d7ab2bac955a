/** How far the clock of the engine is ahead of the clock of the browser, in milliseconds. */
let ahead = 0;

/**
 * Reads the clock of the engine from a reply, whose date is in whole seconds and lies between the
 * request and its reply. Keeps what is known if the reply agrees with it, and otherwise takes the
 * date as just before the reply, because a request may wait for long.
 */
export function readClock(response: Response, sentAt: number): void {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  const least = date - Date.now();
  const most = date + 1000 - sentAt;
  if (ahead < least || ahead > most) ahead = least + 500;
}

/** The time of the engine, in Unix milliseconds: the clock of the browser may be wrong. */
export function now(): number {
  return Date.now() + ahead;
}
