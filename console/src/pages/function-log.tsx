import { isEmptyLog } from '../log-lines.js';
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
    <Panel title="Log" aside={<LiveMark isConnected={log.isConnected} error={log.error} />}>
      <ResourceView
        of={log}
        what="the log"
        isEmpty={isEmptyLog}
        empty={<p>No lines yet. What the function logs from now on appears here.</p>}
      >
        {(lines) => (
          <LogView
            of={lines}
            isLive
            link={({ requestId: id }) => (
              <Link to={`/invocations/${encodeURIComponent(id)}`}>{visible(id.slice(-6))}</Link>
            )}
          />
        )}
      </ResourceView>
    </Panel>
  );
}
