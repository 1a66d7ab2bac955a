import { lazy, Suspense } from 'preact/compat';
import { call } from '../api/request.js';
import { Choice, FunctionChoice } from '../parts/choice.js';
import { LiveMark } from '../parts/live-mark.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { setQuery, usePlace } from '../router.js';
import { count, milliseconds, percent, seconds } from '../text.js';
import type { FunctionsReply, InvocationsReply, Stats } from '../types.js';
import { useLive } from '../use-live.js';
import { useResource } from '../use-resource.js';
import { EnginePanel } from './engine-panel.js';
import { followPath } from './invocation-list.js';
import { InvocationTable } from './invocation-table.js';

/** The engine has only the scripts of its own version: those of an open page go with an update. */
const CallsChart = lazy(() =>
  import('../parts/calls-chart.js').then(
    ({ CallsChart: chart }) => ({ default: chart }),
    () => ({ default: NoChart }),
  ),
);

const LIVE_MS = 5000;
const WINDOWS = ['15m', '1h', '6h', '1d'].map((window) => [window, `Last ${window}`] as const);

export function OverviewPage() {
  const { query } = usePlace();
  const range = query.get('window') ?? '1h';
  const name = query.get('function') ?? '';
  const functions = useResource('functions', (signal) =>
    call<FunctionsReply>('GET', '/v1/functions', { signal }),
  );

  return (
    <Page
      title="Overview"
      aside={
        <>
          <FunctionChoice
            labelPosition="hidden"
            all="All functions"
            value={name}
            onChange={(next) => setQuery({ function: next })}
          />
          <Choice
            label="Window"
            labelPosition="hidden"
            value={range}
            options={WINDOWS}
            onChange={(window) => setQuery({ window })}
          />
        </>
      }
    >
      {functions.data?.count === 0 && <FirstSteps />}
      <Figures range={range} name={name} />
      <EnginePanel />
      <Recent name={name} />
    </Page>
  );
}

function FirstSteps() {
  return (
    <Panel title="Deploy a first function">
      <p>This namespace has no functions yet. On your machine:</p>
      <pre class="steps">
        {'orama init hello\ncd hello\norama deploy\norama invoke hello --data \'{"name":"Ada"}\''}
      </pre>
    </Panel>
  );
}

function Figures({ range, name }: { range: string; name: string }) {
  const stats = useResource(
    `stats ${range} ${name}`,
    (signal) => call<Stats>('GET', '/v1/stats', { query: { window: range, function: name }, signal }),
    LIVE_MS,
  );
  return (
    <ResourceView of={stats} what="the figures">
      {(data) => {
        const total = (key: 'accepted' | 'success' | 'error' | 'timeout' | 'dead') =>
          data.per_minute.reduce((sum, minute) => sum + minute[key], 0);
        const failed = total('error') + total('timeout') + total('dead');
        const ended = failed + total('success');
        return (
          <>
            <ul class="tiles" aria-label="Figures">
              <Tile name="Calls" value={count(total('accepted'))} note={`in the last ${range}`} />
              <Tile
                name="Failed"
                value={count(failed)}
                note={ended === 0 ? 'none ended' : percent(failed, ended)}
                isBad={failed > 0}
              />
              <Tile
                name="p95, latest minute"
                value={milliseconds(lastOf(data, 'p95_ms'))}
                note={`p50 ${milliseconds(lastOf(data, 'p50_ms'))}`}
              />
              <Tile
                name="Running"
                value={count(data.now.running)}
                note={`${count(data.now.delayed)} delayed`}
              />
              <Tile
                name="Waiting"
                value={count(data.now.waiting)}
                note={
                  data.now.waiting === 0 ? 'nothing waits' : `oldest ${seconds(data.now.oldest_waiting_s)}`
                }
              />
            </ul>
            <Panel title="Calls and durations per minute">
              {ended + total('accepted') === 0 ? (
                <div class="empty">
                  <p>No calls in the last {range}.</p>
                </div>
              ) : (
                <Suspense fallback={<div class="chart" />}>
                  <CallsChart minutes={data.per_minute} />
                </Suspense>
              )}
            </Panel>
          </>
        );
      }}
    </ResourceView>
  );
}

function NoChart() {
  return (
    <div class="empty">
      <p>The chart could not be loaded; load the page again.</p>
    </div>
  );
}

function lastOf(data: Stats, key: 'p50_ms' | 'p95_ms'): number | null {
  return data.per_minute.findLast((minute) => minute[key] !== null)?.[key] ?? null;
}

function Tile({
  name,
  value,
  note,
  isBad = false,
}: {
  name: string;
  value: string;
  note: string;
  isBad?: boolean;
}) {
  return (
    <li class={isBad ? 'tile bad' : 'tile'}>
      <span class="name">{name}</span>
      <strong>{value}</strong>
      <span class="faint">{note}</span>
    </li>
  );
}

function Recent({ name }: { name: string }) {
  const recent = useLive<InvocationsReply>(followPath({ function: name, limit: 10 }));
  return (
    <Panel
      title="Latest invocations"
      aside={<LiveMark error={recent.error} isConnected={recent.isConnected} />}
    >
      <ResourceView
        of={recent}
        what="the invocations"
        isEmpty={({ invocations }) => invocations.length === 0}
        empty={<p>Nothing has been invoked yet.</p>}
      >
        {({ invocations }) => <InvocationTable label="Latest invocations" invocations={invocations} />}
      </ResourceView>
    </Panel>
  );
}
