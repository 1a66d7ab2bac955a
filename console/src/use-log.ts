import { useCallback, useEffect, useState } from 'preact/hooks';
import { follow, type StreamPosition } from './api/events.js';
import type { LogRecord } from './types.js';
import type { Live } from './use-live.js';
import { whileVisible } from './while-visible.js';

/** The maximum number of records in memory; older ones are dropped. */
const MAX_RECORDS = 500;
/** The number of earlier records to load first. */
const INITIAL_RECORDS = 50;
/** The interval, in milliseconds, in which new records are shown together. */
const BATCH_INTERVAL_MS = 200;
/** If no record arrives within this number of intervals after connecting, the log is empty. */
const IDLE_TICKS = 2;

interface State {
  records?: readonly LogRecord[];
  isConnected: boolean;
  error?: unknown;
}

/**
 * Follows the log of a function, oldest record first. A page that was hidden resumes where it
 * stopped.
 */
export function useLog(name: string): Live<readonly LogRecord[]> {
  const [state, setState] = useState<State>({ isConnected: false });
  const [restarts, setRestarts] = useState(0);

  // Biome would report `restarts` as unnecessary: it only restarts the effect.
  useEffect(() => {
    let batch: LogRecord[] = [];
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
      setState((old) => ({ ...old, records: appended(old.records ?? [], next) }));
    }, BATCH_INTERVAL_MS);
    const stop = whileVisible((signal) => {
      void follow(`/v1/functions/${encodeURIComponent(name)}/logs?follow=true&limit=${INITIAL_RECORDS}`, {
        signal,
        position,
        onEvent: (data) => batch.push(JSON.parse(data) as LogRecord),
        onState: (connected, error) => {
          isConnected = connected;
          // A stream that has ended has sent all records.
          const isAll = !connected && error === undefined;
          setState((old) => ({
            ...old,
            isConnected,
            error,
            ...(isAll ? { records: old.records ?? [] } : {}),
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
  const { records, error, isConnected } = state;
  return {
    data: records,
    error,
    isConnected,
    isLoading: records === undefined && error === undefined,
    reload,
  };
}

/** Appends new records. A resumed stream may repeat records but omits none. */
function appended(old: readonly LogRecord[], next: readonly LogRecord[]): readonly LogRecord[] {
  const known = new Set(old.map(keyOf));
  return [...old, ...next.filter((record) => !known.has(keyOf(record)))].slice(-MAX_RECORDS);
}

function keyOf({ request_id: id, attempt }: LogRecord): string {
  return `${id} ${attempt}`;
}
