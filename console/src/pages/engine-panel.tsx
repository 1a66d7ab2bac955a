import { call } from '../api/request.js';
import { Facts, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { State } from '../parts/state.js';
import { brief, bytes, count, label, plural, seconds } from '../text.js';
import type { PeersReply, StatusReply } from '../types.js';
import { useResource } from '../use-resource.js';

const LIVE_MS = 5000;
/** Figures of a worker. */
const WORKER_FIGURES = [
  ['Threads', 'threads'],
  ['Computing', 'busy'],
  ['Parked', 'parked'],
  ['Waiting for a thread', 'waiting'],
  ['Warm instances', 'warmInstances'],
  ['Guest memory, MB', 'memoryMb'],
] as const;

/** The state of the engine, of its parts and of its worker. */
export function EnginePanel() {
  const status = useResource(
    'status',
    (signal) => call<StatusReply>('GET', '/v1/status', { signal }),
    LIVE_MS,
  );
  const peers = useResource(
    'peers',
    (signal) => call<PeersReply>('GET', '/v1/network/peers', { signal }),
    LIVE_MS,
  );
  // The last figures of an engine that is away would look like those of one that is up.
  const isUpToDate = status.error === undefined;
  // Servers of the engine's data have addresses; its own processes have none.
  const processes = peers.data?.peers.filter(({ addresses }) => addresses.length === 0).length;
  return (
    <Panel title="Engine" aside={status.data && isUpToDate && <State of={status.data.status} />}>
      <ResourceView of={status} what="the engine's status">
        {({ version, uptime_seconds, dependencies, queue, engine }) => (
          <>
            <p class="faint">
              Version {label(version)}
              {uptime_seconds !== undefined && isUpToDate && <>, up for {seconds(uptime_seconds)}</>}
              {queue && (
                <>
                  ; {plural(queue.waiting + queue.running + queue.retrying, 'job')} of all namespaces on the
                  queue, delayed ones included ({bytes(queue.bytes)})
                </>
              )}
              {processes !== undefined && <>; {plural(processes, 'process', 'processes')}</>}
              {uptime_seconds !== undefined &&
                engine === undefined &&
                '; functions run in other processes than this one'}
            </p>
            {engine && isUpToDate && (
              <Facts of={WORKER_FIGURES.map(([name, key]) => [name, count(engine[key] ?? 0)])} />
            )}
            {dependencies && isUpToDate && (
              <ul class="parts">
                {Object.entries(dependencies).map(([part, { status: state, error }]) => (
                  <li key={part}>
                    <State of={state} /> {label(part)}
                    {error !== undefined && <span class="faint"> {brief(error)}</span>}
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </ResourceView>
    </Panel>
  );
}
