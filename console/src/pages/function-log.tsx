import { LiveMark } from '../parts/live-mark.js';
import { LogView } from '../parts/log-view.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Link } from '../router.js';
import { visible } from '../text.js';
import { useLog } from '../use-log.js';

/** The live log of a function, through server-sent events. */
export function FunctionLog({ name }: { name: string }) {
  const log = useLog(name);
  return (
    <Panel title="Log" aside={<LiveMark isConnected={log.isConnected} />}>
      <ResourceView
        of={log}
        what="the log"
        isEmpty={(records) => records.every(({ messages }) => messages.length === 0)}
        empty={<p>No lines yet. What the function logs from now on appears here.</p>}
      >
        {(records) => (
          <LogView
            records={records}
            isLive
            link={({ request_id: id }) => (
              <Link to={`/invocations/${encodeURIComponent(id)}`}>{visible(id.slice(-6))}</Link>
            )}
          />
        )}
      </ResourceView>
    </Panel>
  );
}
