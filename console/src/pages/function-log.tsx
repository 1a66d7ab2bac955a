import { useEffect, useState } from 'preact/hooks';
import { follow } from '../api/events.js';
import { LiveMark } from '../parts/live-mark.js';
import { LogView } from '../parts/log-view.js';
import { Panel } from '../parts/page.js';
import { Link } from '../router.js';
import type { LogRecord } from '../types.js';

/** Kept in the page; older ones go. */
const MAX_RECORDS = 500;
/** Records that come quickly are shown together. */
const GATHER_MS = 200;

/** The log as it is written, by server-sent events. */
export function FunctionLog({ name }: { name: string }) {
  const [records, setRecords] = useState<readonly LogRecord[]>([]);
  const [isConnected, setIsConnected] = useState(false);

  useEffect(() => {
    const control = new AbortController();
    let gathered: LogRecord[] = [];
    const timer = setInterval(() => {
      if (gathered.length === 0) return;
      const next = gathered;
      gathered = [];
      setRecords((old) => [...old, ...next].slice(-MAX_RECORDS));
    }, GATHER_MS);
    void follow(`/v1/functions/${encodeURIComponent(name)}/logs?follow=true&limit=50`, {
      signal: control.signal,
      onEvent: (data) => gathered.push(JSON.parse(data) as LogRecord),
      onState: setIsConnected,
    });
    return () => {
      control.abort();
      clearInterval(timer);
    };
  }, [name]);

  const hasLines = records.some(({ messages }) => messages.length > 0);
  return (
    <Panel title="Log" aside={<LiveMark isConnected={isConnected} />}>
      {hasLines ? (
        <LogView
          records={records}
          link={({ request_id: id }) => <Link to={`/invocations/${id}`}>{id.slice(-6)}</Link>}
        />
      ) : (
        <div class="empty">
          <p>No lines yet. What the function logs from now on appears here.</p>
        </div>
      )}
    </Panel>
  );
}
