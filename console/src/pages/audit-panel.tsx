import { call } from '../api/request.js';
import { Moment } from '../parts/moment.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { brief } from '../text.js';
import type { AuditReply } from '../types.js';
import { useResource } from '../use-resource.js';

export function AuditPanel() {
  const audit = useResource('audit', (signal) => call<AuditReply>('GET', '/v1/audit', { signal }));
  return (
    <Panel title="What was changed lately">
      <ResourceView
        of={audit}
        what="the audit log"
        isEmpty={({ count }) => count === 0}
        empty={<p>Nothing.</p>}
      >
        {({ events }) => (
          <Table
            label="Audit log"
            rows={events}
            keyOf={({ request_id: id, action, target }, index) => `${id} ${action} ${target} ${index}`}
            columns={[
              { name: 'At', cell: ({ at }) => <Moment at={at} short /> },
              { name: 'Action', cell: ({ action }) => action },
              { name: 'Target', isWide: true, cell: ({ target }) => <code>{brief(target)}</code> },
              { name: 'By', cell: ({ actor }) => <code>{brief(actor, 60)}</code> },
            ]}
          />
        )}
      </ResourceView>
    </Panel>
  );
}
