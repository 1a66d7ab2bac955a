import { useState } from 'preact/hooks';
import { INVOCATION_STATES } from '../../../src/contract/invocation-state.js';
import { Choice, FunctionChoice } from '../parts/choice.js';
import { Page } from '../parts/page.js';
import { setQuery, usePlace } from '../router.js';
import { InvocationList, useInvocations } from './invocation-list.js';

const STATE_CHOICES = [['', 'All'], ...INVOCATION_STATES.map((state) => [state, state] as const)] as const;
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
  const [isPaused, setIsPaused] = useState(false);
  const pages = useInvocations(filter, isPaused);
  const isFiltered = Object.values(filter).some((value) => value !== '');
  const isLive = pages.isFirst && !isPaused;
  return (
    <Page
      title="Invocations"
      aside={
        <button
          type="button"
          aria-pressed={isLive}
          disabled={!pages.isFirst}
          onClick={() => setIsPaused(!isPaused)}
        >
          <span class={pages.isConnected ? 'pulse on' : 'pulse'} aria-hidden="true" />{' '}
          {isLive ? (pages.isConnected ? 'Live' : 'Connecting…') : 'Paused'}
        </button>
      }
    >
      <fieldset class="filters" aria-label="Filters">
        <FunctionChoice all="All" value={filter.function} onChange={(name) => setQuery({ function: name })} />
        <Choice
          label="State"
          value={filter.status}
          options={STATE_CHOICES}
          onChange={(status) => setQuery({ status })}
        />
        <Choice
          label="Accepted"
          value={filter.since}
          options={AGES}
          onChange={(since) => setQuery({ since })}
        />
      </fieldset>
      <InvocationList
        label="Invocations"
        of={pages}
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
      />
    </Page>
  );
}
