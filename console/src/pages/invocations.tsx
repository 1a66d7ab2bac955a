import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Page } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { setQuery, usePlace } from '../router.js';
import type { FunctionsReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { InvocationTable, listInvocations } from './invocation-table.js';

const LIVE_MS = 2000;
const PAGE = 50;
const STATES = ['queued', 'running', 'retrying', 'success', 'error', 'timeout', 'dead', 'cancelled'];
const AGES = [
  ['', 'Any time'],
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['1d', 'Last day'],
] as const;

export function InvocationsPage() {
  const { query } = usePlace();
  const filter = {
    function: query.get('function') ?? '',
    status: query.get('status') ?? '',
    since: query.get('since') ?? '',
  };
  return <Invocations key={JSON.stringify(filter)} filter={filter} />;
}

interface Filter {
  function: string;
  status: string;
  since: string;
}

function Invocations({ filter }: { filter: Filter }) {
  // The cursors of the pages before this one; the first page is live, the others stay as they are.
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [isPaused, setIsPaused] = useState(false);
  const cursor = cursors.at(-1);
  const isLive = cursor === undefined && !isPaused;
  const page = useResource(
    `invocations ${JSON.stringify(filter)} ${cursor ?? ''}`,
    (signal) => listInvocations({ ...filter, cursor, limit: PAGE }, signal),
    isLive ? LIVE_MS : undefined,
  );
  const functions = useResource('functions', (signal) =>
    call<FunctionsReply>('GET', '/v1/functions', { signal }),
  );
  const names = new Set([...(functions.data?.functions.map(({ name }) => name) ?? []), filter.function]);
  names.delete('');
  const isFiltered = Object.values(filter).some((value) => value !== '');

  return (
    <Page
      title="Invocations"
      aside={
        <button
          type="button"
          aria-pressed={isLive}
          disabled={cursor !== undefined}
          onClick={() => setIsPaused(!isPaused)}
        >
          <span class={isLive ? 'pulse on' : 'pulse'} aria-hidden="true" /> {isLive ? 'Live' : 'Paused'}
        </button>
      }
    >
      <fieldset class="filters" aria-label="Filters">
        <label>
          Function{' '}
          <select
            value={filter.function}
            onChange={(event) => setQuery({ function: event.currentTarget.value })}
          >
            <option value="">All</option>
            {[...names].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          State{' '}
          <select value={filter.status} onChange={(event) => setQuery({ status: event.currentTarget.value })}>
            <option value="">All</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {state}
              </option>
            ))}
          </select>
        </label>
        <label>
          Accepted{' '}
          <select value={filter.since} onChange={(event) => setQuery({ since: event.currentTarget.value })}>
            {AGES.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </fieldset>
      <ResourceView
        of={page}
        what="the invocations"
        isEmpty={({ invocations }) => invocations.length === 0}
        empty={
          isFiltered ? (
            <>
              <h2>Nothing matches</h2>
              <button type="button" onClick={() => setQuery({ function: '', status: '', since: '' })}>
                Clear the filters
              </button>
            </>
          ) : (
            <>
              <h2>No invocations yet</h2>
              <p>Whatever is called, published to a trigger or scheduled appears here within two seconds.</p>
            </>
          )
        }
      >
        {({ invocations, next_cursor: next }) => (
          <>
            <InvocationTable label="Invocations" invocations={invocations} />
            <nav class="pages" aria-label="Pages of invocations">
              <button
                type="button"
                disabled={cursor === undefined}
                onClick={() => setCursors(cursors.slice(0, -1))}
              >
                Newer
              </button>
              <span>Page {cursors.length + 1}</span>
              <button
                type="button"
                disabled={next === null}
                onClick={() => next !== null && setCursors([...cursors, next])}
              >
                Older
              </button>
            </nav>
          </>
        )}
      </ResourceView>
    </Page>
  );
}
