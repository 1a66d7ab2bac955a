import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { Age } from '../parts/moment.js';
import { Page } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { type Column, Table } from '../parts/table.js';
import { Link } from '../router.js';
import { label } from '../text.js';
import type { FunctionRecord, FunctionsReply } from '../types.js';
import { useResource } from '../use-resource.js';

const LIVE_MS = 10_000;

const COLUMNS: readonly Column<FunctionRecord>[] = [
  {
    name: 'Name',
    isTitle: true,
    isWide: true,
    cell: ({ name }) => <Link to={`/functions/${encodeURIComponent(name)}`}>{label(name)}</Link>,
  },
  { name: 'Version', isNumber: true, cell: ({ version }) => version },
  {
    name: 'Access',
    cell: ({ is_public: isPublic }) => (isPublic ? 'public' : <span class="faint">private</span>),
  },
  { name: 'Memory', isNumber: true, cell: ({ memory_limit_mb: mb }) => `${mb} MB` },
  { name: 'Timeout', isNumber: true, cell: ({ timeout_seconds: s }) => `${s} s` },
  { name: 'Retries', isNumber: true, cell: ({ retry_count: retries }) => retries },
  { name: 'Start', cell: ({ warm_start: start }) => label(start) },
  { name: 'Deployed', cell: ({ updated_at: at }) => <Age at={at} /> },
];

export function FunctionsPage() {
  const [part, setPart] = useState('');
  const functions = useResource(
    'functions',
    (signal) => call<FunctionsReply>('GET', '/v1/functions', { signal }),
    LIVE_MS,
  );
  return (
    <Page
      title="Functions"
      aside={
        <input
          type="search"
          aria-label="Filter by name"
          placeholder="Filter by name"
          value={part}
          onInput={(event) => setPart(event.currentTarget.value)}
        />
      }
    >
      <ResourceView
        of={functions}
        what="the functions"
        isEmpty={({ count }) => count === 0}
        empty={
          <>
            <h2>No functions yet</h2>
            <p>
              Make one with <code>orama init hello</code>, and deploy it with <code>orama deploy</code>.
            </p>
          </>
        }
      >
        {({ functions: all }) => {
          const shown = all.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
          return shown.length === 0 ? (
            <div class="empty">
              <p>No function has this in its name.</p>
            </div>
          ) : (
            <Table label="Functions" columns={COLUMNS} rows={shown} keyOf={({ name }) => name} />
          );
        }}
      </ResourceView>
    </Page>
  );
}
