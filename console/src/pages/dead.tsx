import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Choice, FunctionChoice } from '../parts/choice.js';
import { Age } from '../parts/moment.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { Link, setQuery, usePlace } from '../router.js';
import { count, label } from '../text.js';
import type { DeadGroup, DeadGroupsReply, InvocationRecord } from '../types.js';
import { useResource } from '../use-resource.js';
import { AllActions, ChosenActions, reasonText } from './dead-actions.js';
import { InvocationList, useInvocations } from './invocation-list.js';

const LIVE_MS = 5000;
const REASONS = [
  ['', 'Any reason'],
  ...['error', 'timeout', 'expired', 'worker_died'].map((reason) => [reason, reasonText(reason)] as const),
] as const;

interface Choices {
  /** The filters under which the invocations were selected. */
  place: string;
  /** The function of each selected invocation, by id. */
  chosen: ReadonlyMap<string, string>;
}

const NONE: ReadonlyMap<string, string> = new Map();

export function DeadPage() {
  const { query } = usePlace();
  const name = query.get('function') ?? '';
  const reason = query.get('reason') ?? '';
  const place = `${name} ${reason}`;
  const [choice, setChoice] = useState<Choices>({ place, chosen: NONE });
  // A change of filters clears the selection.
  const chosen = choice.place === place ? choice.chosen : NONE;
  const groups = useResource(
    'dead',
    (signal) => call<DeadGroupsReply>('GET', '/v1/dead', { signal }),
    LIVE_MS,
  );
  const pages = useInvocations({ status: 'dead', function: name, reason });
  const toggle = (records: readonly InvocationRecord[], isChosen: boolean) => {
    const next = new Map(chosen);
    for (const { request_id: id, function: fn } of records) {
      if (isChosen) next.set(id, fn);
      else next.delete(id);
    }
    setChoice({ place, chosen: next });
  };
  const done = () => {
    setChoice({ place, chosen: NONE });
    pages.page.reload();
    groups.reload();
  };
  const matching = groups.data?.groups.filter(
    (group) => group.function === name && (reason === '' || group.reason === reason),
  );
  return (
    <Page
      title="Dead letters"
      aside={
        chosen.size > 0 ? (
          <ChosenActions chosen={chosen} onDone={done} />
        ) : (
          name !== '' && (
            <AllActions
              name={name}
              reason={reason}
              total={matching?.reduce((sum, group) => sum + group.count, 0)}
              onDone={done}
            />
          )
        )
      }
    >
      <ResourceView of={groups} what="the counts">
        {({ groups: all }) => all.length > 0 && <Groups of={all} />}
      </ResourceView>
      <fieldset class="filters" aria-label="Filters">
        <FunctionChoice all="All" value={name} onChange={(next) => setQuery({ function: next })} />
        <Choice
          label="Reason"
          value={reason}
          options={REASONS}
          onChange={(next) => setQuery({ reason: next })}
        />
        <span class="faint">
          {name === ''
            ? 'Select some by their boxes, or select a function to replay or purge all of its dead letters.'
            : 'Select some by their boxes, or replay or purge all.'}
        </span>
      </fieldset>
      <InvocationList
        label="Dead letters"
        of={pages}
        selection={{ ids: chosen, toggle }}
        empty={
          <>
            <h2>No dead letters</h2>
            <p>An invocation that nobody waits for is kept here when its last attempt has failed.</p>
          </>
        }
      />
    </Page>
  );
}

function Groups({ of: groups }: { of: readonly DeadGroup[] }) {
  return (
    <Panel title="By function and reason">
      <Table
        label="Counts"
        rows={groups}
        keyOf={(group) => `${group.function} ${group.reason}`}
        columns={[
          {
            name: 'Function',
            isTitle: true,
            isWide: true,
            cell: (group) => (
              <Link
                to={`/dead?function=${encodeURIComponent(group.function)}&reason=${encodeURIComponent(group.reason)}`}
              >
                {label(group.function)}
              </Link>
            ),
          },
          { name: 'Reason', cell: (group) => reasonText(group.reason) },
          { name: 'Count', isNumber: true, cell: (group) => count(group.count) },
          { name: 'Newest', cell: ({ newest_at: at }) => <Age at={at} /> },
          { name: 'Oldest', cell: ({ oldest_at: at }) => <Age at={at} /> },
        ]}
      />
    </Panel>
  );
}
