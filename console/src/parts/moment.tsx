import { useEffect, useState } from 'preact/hooks';
import { now } from '../clock.js';

const FULL = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** A time in the local time zone, with UTC in the title. */
export function Moment({ at, short = false }: { at: string | null | undefined; short?: boolean }) {
  if (!at) return <span class="faint">–</span>;
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now()).toDateString();
  const text = short
    ? isToday
      ? CLOCK.format(date)
      : `${DAY.format(date)}, ${CLOCK.format(date)}`
    : FULL.format(date);
  return (
    <time dateTime={at} title={`${date.toISOString()} (UTC)`}>
      {text}
    </time>
  );
}

const TICK_MS = 10_000;

/** The age of a time, updated periodically. */
export function Age({ at }: { at: string | null | undefined }) {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((old) => old + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span class="faint">never</span>;
  return (
    <time dateTime={at} title={`${new Date(at).toISOString()} (UTC)`}>
      {ago(now() - Date.parse(at))}
    </time>
  );
}

function ago(ms: number): string {
  const ahead = ms < -1000;
  const seconds = Math.abs(ms) / 1000;
  const text =
    seconds < 60
      ? `${Math.floor(seconds)} s`
      : seconds < 3600
        ? `${Math.floor(seconds / 60)} min`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3600)} h`
          : `${Math.floor(seconds / 86_400)} d`;
  return ahead ? `in ${text}` : `${text} ago`;
}
