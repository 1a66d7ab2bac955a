import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Action } from '../parts/action.js';
import { Choice, FunctionChoice } from '../parts/choice.js';
import { Page } from '../parts/page.js';
import { setQuery, usePlace } from '../router.js';
import { plural } from '../text.js';
import { InvocationList, useInvocations } from './invocation-list.js';

const REASONS = [
  ['', 'Any reason'],
  ['error', 'Error'],
  ['timeout', 'Timeout'],
  ['expired', 'Expired'],
  ['worker_died', 'Worker died'],
] as const;

interface Choices {
  /** The filters under which they were chosen. */
  place: string;
  ids: ReadonlySet<string>;
}

export function DeadPage() {
  const { query } = usePlace();
  const name = query.get('function') ?? '';
  const reason = query.get('reason') ?? '';
  const place = `${name} ${reason}`;
  const [choice, setChoice] = useState<Choices>({ place, ids: new Set() });
  // What is no longer seen is no longer chosen.
  const chosen: ReadonlySet<string> = choice.place === place ? choice.ids : new Set();
  const pages = useInvocations({ status: 'dead', function: name, reason });
  const toggle = (id: string, isChosen: boolean) =>
    setChoice({
      place,
      ids: new Set(isChosen ? [...chosen, id] : [...chosen].filter((each) => each !== id)),
    });
  const done = () => {
    setChoice({ place, ids: new Set() });
    pages.page.reload();
  };
  return (
    <Page
      title="Dead letters"
      aside={
        chosen.size > 0 ? (
          <ReplayChosen ids={[...chosen]} onDone={done} />
        ) : (
          name !== '' && <Bulk name={name} reason={reason} onDone={done} />
        )
      }
    >
      <fieldset class="filters" aria-label="Filters">
        <FunctionChoice all="All" value={name} onChange={(next) => setQuery({ function: next })} />
        <Choice
          label="Reason"
          value={reason}
          options={REASONS}
          onChange={(next) => setQuery({ reason: next })}
        />
        {name === '' && (
          <span class="faint">
            Choose a function to replay or purge all of its own, or some by their boxes.
          </span>
        )}
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

function ReplayChosen({ ids, onDone }: { ids: readonly string[]; onDone(): void }) {
  return (
    <Action
      label={`Replay ${plural(ids.length, 'chosen one', 'chosen ones')}`}
      run={async () => {
        for (const id of ids) await call('POST', `/v1/invocations/${id}/replay`);
        onDone();
        return `${plural(ids.length, 'invocation')} ${ids.length === 1 ? 'runs' : 'run'} again.`;
      }}
    />
  );
}

/** What is done with all dead letters of a function, or with those of one reason. */
function Bulk({ name, reason, onDone }: { name: string; reason: string; onDone(): void }) {
  const label = REASONS.find(([value]) => value === reason)?.[1].toLowerCase();
  const which = reason === '' ? `of "${name}"` : `of "${name}" with the reason "${label}"`;
  const path = `/v1/functions/${encodeURIComponent(name)}/dead`;
  return (
    <>
      <Action
        label="Replay all"
        confirm={{
          title: `Replay all dead letters of ${name}?`,
          text: `Every dead invocation ${which}, also those on further pages, is put on the queue again.`,
          label: 'Replay all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('POST', `${path}/replay`, { query: { reason } });
          onDone();
          return `${plural(count, 'invocation')} of ${name} ${count === 1 ? 'runs' : 'run'} again.`;
        }}
      />
      <Action
        label="Purge all"
        class="danger"
        confirm={{
          title: `Purge all dead letters of ${name}?`,
          text: `Every dead invocation ${which}, also those on further pages, is thrown away with its input. This cannot be undone.`,
          label: 'Purge all',
        }}
        run={async () => {
          const { count } = await call<{ count: number }>('DELETE', path, { query: { reason } });
          onDone();
          return `${plural(count, 'dead letter')} of ${name} purged.`;
        }}
      />
    </>
  );
}
