import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Page } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { setQuery, usePlace } from '../router.js';
import { plural } from '../text.js';
import type { FunctionsReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { InvocationTable, listInvocations } from './invocation-table.js';

const LIVE_MS = 5000;
const PAGE = 50;
const REASONS = [
  ['', 'Any reason'],
  ['error', 'Error'],
  ['timeout', 'Timeout'],
  ['expired', 'Expired'],
  ['worker_died', 'Worker died'],
] as const;

export function DeadPage() {
  const { query } = usePlace();
  const name = query.get('function') ?? '';
  const reason = query.get('reason') ?? '';
  return <Dead key={`${name} ${reason}`} name={name} reason={reason} />;
}

function Dead({ name, reason }: { name: string; reason: string }) {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const dead = useResource(
    `dead ${name} ${reason} ${cursor ?? ''}`,
    (signal) => listInvocations({ status: 'dead', function: name, reason, cursor, limit: PAGE }, signal),
    cursor === undefined ? LIVE_MS : undefined,
  );
  const functions = useResource('functions', (signal) =>
    call<FunctionsReply>('GET', '/v1/functions', { signal }),
  );
  const names = new Set([...(functions.data?.functions.map((each) => each.name) ?? []), name]);
  names.delete('');

  return (
    <Page
      title="Dead letters"
      aside={name !== '' && reason === '' && <Bulk name={name} reload={dead.reload} />}
    >
      <fieldset class="filters" aria-label="Filters">
        <label>
          Function{' '}
          <select value={name} onChange={(event) => setQuery({ function: event.currentTarget.value })}>
            <option value="">All</option>
            {[...names].map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <label>
          Reason{' '}
          <select value={reason} onChange={(event) => setQuery({ reason: event.currentTarget.value })}>
            {REASONS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {name === '' && <span class="faint">Choose a function to replay or purge all of its own.</span>}
      </fieldset>
      <ResourceView
        of={dead}
        what="the dead letters"
        isEmpty={({ invocations }) => invocations.length === 0}
        empty={
          <>
            <h2>No dead letters</h2>
            <p>An invocation that nobody waits for is kept here when its last attempt has failed.</p>
          </>
        }
      >
        {({ invocations, next_cursor: next }) => (
          <>
            <InvocationTable label="Dead letters" invocations={invocations} />
            {(next !== null || cursor !== undefined) && (
              <nav class="pages" aria-label="Pages of dead letters">
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
            )}
          </>
        )}
      </ResourceView>
    </Page>
  );
}

function Bulk({ name, reload }: { name: string; reload(): void }) {
  return (
    <>
      <Action
        label="Replay all"
        confirm={{
          title: `Replay all dead letters of ${name}?`,
          text: `Every dead invocation of "${name}", also those on further pages, is put on the queue again.`,
          label: 'Replay all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('POST', `/v1/functions/${name}/dead/replay`);
          reload();
          return `${plural(count, 'invocation')} of ${name} ${count === 1 ? 'runs' : 'run'} again.`;
        }}
      />
      <Action
        label="Purge all"
        class="danger"
        confirm={{
          title: `Purge all dead letters of ${name}?`,
          text: `Every dead invocation of "${name}", also those on further pages, is thrown away with its input. This cannot be undone.`,
          label: 'Purge all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('DELETE', `/v1/functions/${name}/dead`);
          reload();
          return `${plural(count, 'dead letter')} of ${name} purged.`;
        }}
      />
    </>
  );
}
