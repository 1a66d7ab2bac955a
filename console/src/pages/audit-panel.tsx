import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Moment } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { Pager } from '../parts/pager.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { brief, label } from '../text.js';
import type { AuditReply, KeyRecord } from '../types.js';
import { useResource } from '../use-resource.js';

/** Returns an actor or target with the name of its key, if the key still exists. */
function named(text: string, keys: readonly KeyRecord[]) {
  const key = keys.find(({ id }) => text === id || text === `key:${id}`);
  if (key === undefined) return <code>{brief(text)}</code>;
  return <span title={text}>{label(key.name)}</span>;
}

export function AuditPanel({ keys }: { keys: readonly KeyRecord[] }) {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const audit = useResource(`audit ${cursor ?? ''}`, (signal) =>
    call<AuditReply>('GET', '/v1/audit', { query: { cursor }, signal }),
  );
  return (
    <Panel title="What was changed lately">
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
                { name: 'By', cell: ({ actor }) => named(actor, keys) },
                { name: 'Action', cell: ({ action }) => label(action) },
                { name: 'Target', isWide: true, cell: ({ target }) => named(target, keys) },
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
