import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Actor } from '../parts/actor.js';
import { Moment } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { Pager } from '../parts/pager.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { Link } from '../router.js';
import { brief, label } from '../text.js';
import type { AuditReply } from '../types.js';
import { useResource } from '../use-resource.js';

/** For what is done on the same page, and by others. */
const LIVE_MS = 5000;

type Event = AuditReply['events'][number];

function Target({ of: { action, target, target_name: name } }: { of: Event }) {
  if (name !== undefined) return <Actor of={target} name={name} />;
  if (action !== 'invocation.replay') return <code>{brief(target)}</code>;
  return <Link to={`/invocations/${encodeURIComponent(target)}`}>{label(target)}</Link>;
}

export function AuditPanel() {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const audit = useResource(
    `audit ${cursor ?? ''}`,
    (signal) => call<AuditReply>('GET', '/v1/audit', { query: { cursor }, signal }),
    LIVE_MS,
  );
  return (
    <Panel title="Audit log">
      <ResourceView
        of={audit}
        what="the audit log"
        isEmpty={({ count }) => count === 0 && cursor === undefined}
        empty={<p>Nothing.</p>}
      >
        {({ events, next_cursor: next }) => (
          <>
            <Table
              label="Audit log"
              rows={events}
              keyOf={({ request_id: id, action, target }, index) => `${id} ${action} ${target} ${index}`}
              columns={[
                { name: 'At', cell: ({ at }) => <Moment at={at} short /> },
                { name: 'By', cell: ({ actor, actor_name: name }) => <Actor of={actor} name={name} /> },
                { name: 'Action', cell: ({ action }) => label(action) },
                { name: 'Target', isWide: true, cell: (event) => <Target of={event} /> },
              ]}
            />
            <Pager
              label="the audit log"
              number={cursors.length + 1}
              next={next}
              newer={() => setCursors(cursors.slice(0, -1))}
              older={(at) => setCursors([...cursors, at])}
            />
          </>
        )}
      </ResourceView>
    </Panel>
  );
}
