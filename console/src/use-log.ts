import { useCallback, useEffect, useState } from 'preact/hooks';
import { follow, type StreamPosition } from './api/events.js';
import type { LogRecord } from './types.js';
import type { Live } from './use-live.js';
import { whileSeen } from './while-seen.js';

/** Kept in the page; older ones go. */
const MAX_RECORDS = 500;
/** Of the past, to begin with. */
const PAST = 50;
/** Records that come quickly are shown together. */
const GATHER_MS = 200;
/** Nothing came for so long since it connected: there is nothing. */
const QUIET_TICKS = 2;

interface State {
  records?: readonly LogRecord[];
  isConnected: boolean;
  error?: unknown;
}

/** The log of a function, oldest first, as it is written; a page that was hidden catches up. */
export function useLog(name: string): Live<readonly LogRecord[]> {
  const [state, setState] = useState<State>({ isConnected: false });
  const [turn, setTurn] = useState(0);

  // biome would list `turn`: it only starts the effect anew.
  useEffect(() => {
    let gathered: LogRecord[] = [];
    // The past comes right after the connection: until then it is not known whether there is any.
    let ticksConnected = 0;
    let isConnected = false;
    const position: StreamPosition = {};
    const timer = setInterval(() => {
      if (isConnected) ticksConnected += 1;
      if (gathered.length === 0 && ticksConnected !== QUIET_TICKS) return;
      const next = gathered;
      gathered = [];
      setState((old) => ({ ...old, records: joined(old.records ?? [], next) }));
    }, GATHER_MS);
    const stop = whileSeen((signal) => {
      void follow(`/v1/functions/${encodeURIComponent(name)}/logs?follow=true&limit=${PAST}`, {
        signal,
        position,
        onEvent: (data) => gathered.push(JSON.parse(data) as LogRecord),
        onState: (connected, error) => {
          isConnected = connected;
          // A stream that has ended has told all that there was.
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
  }, [name, turn]);

  const reload = useCallback(() => {
    setState({ isConnected: false });
    setTurn((old) => old + 1);
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

/** A stream that is resumed may repeat records, and misses none. */
function joined(old: readonly LogRecord[], next: readonly LogRecord[]): readonly LogRecord[] {
  const known = new Set(old.map(keyOf));
  return [...old, ...next.filter((record) => !known.has(keyOf(record)))].slice(-MAX_RECORDS);
}

function keyOf({ request_id: id, attempt }: LogRecord): string {
  return `${id} ${attempt}`;
}
