import { call } from '../api/request.js';
import { session } from '../api/session.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { count, label } from '../text.js';
import type { UsageReply } from '../types.js';
import { useResource } from '../use-resource.js';

const LIVE_MS = 10_000;

export function UsagePage() {
  const namespace = session()?.namespace ?? '';
  const usage = useResource(
    `usage ${namespace}`,
    (signal) => call<UsageReply>('GET', `/v1/namespaces/${encodeURIComponent(namespace)}/usage`, { signal }),
    LIVE_MS,
  );
  return (
    <Page title="Usage">
      <Panel title={`Quotas of ${label(namespace)}`}>
        <ResourceView of={usage} what="the usage">
          {({ quotas }) => (
            <Table
              label="Quotas"
              rows={Object.entries(quotas)}
              keyOf={([name]) => name}
              columns={[
                { name: 'Quota', isWide: true, cell: ([name]) => quotaText(name) },
                {
                  name: 'Used',
                  isNumber: true,
                  cell: ([, { used }]) => count(used),
                },
                { name: 'Limit', isNumber: true, cell: ([, { limit }]) => count(limit) },
                {
                  name: 'Share',
                  cell: ([name, { limit, used }]) => (
                    <meter
                      min={0}
                      max={limit || 1}
                      high={limit * 0.8}
                      value={Math.min(used, limit)}
                      aria-label={`Share of ${quotaText(name)} in use`}
                    />
                  ),
                },
              ]}
            />
          )}
        </ResourceView>
      </Panel>
    </Page>
  );
}

/** Formats the name of a quota: `log_mb_per_day` as "log MB per day". */
function quotaText(name: string): string {
  return label(name.replaceAll('_', ' ').replace(/\bmb\b/, 'MB'));
}
