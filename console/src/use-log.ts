import { useCallback, useEffect, useState } from 'preact/hooks';
import { follow, type StreamPosition } from './api/events.js';
import { appended, type LogLines, NO_LINES } from './log-lines.js';
import type { LogRecord } from './types.js';
import type { Live } from './use-live.js';
import { whileVisible } from './while-visible.js';

/** The maximum number of records to recognize when a resumed stream repeats them. */
const MAX_KNOWN = 1000;
/** The number of earlier records to load first. */
const INITIAL_RECORDS = 50;
/** The interval, in milliseconds, in which new records are shown together. */
const BATCH_INTERVAL_MS = 200;
/** If no record arrives within this number of intervals after connecting, the log is empty. */
const IDLE_TICKS = 2;

interface State {
  log?: LogLines;
  isConnected: boolean;
  error?: unknown;
}

/**
 * Follows the log of a function. A page that was hidden resumes where it
 * stopped.
 */
export function useLog(name: string): Live<LogLines> {
  const [state, setState] = useState<State>({ isConnected: false });
  const [restarts, setRestarts] = useState(0);

  // Biome would report `restarts` as unnecessary: it only restarts the effect.
  useEffect(() => {
    let batch: LogRecord[] = [];
    const isNew = repeatFilter();
    // Earlier records are sent right after connecting; until then it is unknown whether there are
    // any.
    let ticksConnected = 0;
    let isConnected = false;
    const position: StreamPosition = {};
    const timer = setInterval(() => {
      if (isConnected) ticksConnected += 1;
      if (batch.length === 0 && ticksConnected !== IDLE_TICKS) return;
      const next = batch;
      batch = [];
      setState((old) => ({ ...old, log: appended(old.log ?? NO_LINES, next) }));
    }, BATCH_INTERVAL_MS);
    const stop = whileVisible((signal) => {
      void follow(`/v1/functions/${encodeURIComponent(name)}/logs?follow=true&limit=${INITIAL_RECORDS}`, {
        signal,
        position,
        onEvent: (data) => {
          const record = JSON.parse(data) as LogRecord;
          if (isNew(record)) batch.push(record);
        },
        onState: (connected, error) => {
          isConnected = connected;
          // A stream that has ended has sent all records.
          const isAll = !connected && error === undefined;
          setState((old) => ({
            ...old,
            isConnected,
            error,
            ...(isAll ? { log: old.log ?? NO_LINES } : {}),
          }));
        },
      });
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [name, restarts]);

  const reload = useCallback(() => {
    setState({ isConnected: false });
    setRestarts((old) => old + 1);
  }, []);
  const { log, error, isConnected } = state;
  return {
    data: log,
    error,
    isConnected,
    isLoading: log === undefined && error === undefined,
    reload,
  };
}

/** Returns a filter for new records: a resumed stream may repeat records but omits none. */
function repeatFilter(): (record: LogRecord) => boolean {
  const known = new Set<string>();
  return ({ request_id: id, attempt }) => {
    const key = `${id} ${attempt}`;
    if (known.has(key)) return false;
    known.add(key);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    return true;
  };
}
