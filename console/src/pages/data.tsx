import { useState } from 'preact/hooks';
import { jsonOf } from '../api/error.js';
import { call, request } from '../api/request.js';
import { CodeField } from '../parts/code-field.js';
import { Form } from '../parts/form.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Table } from '../parts/table.js';
import { brief, count, label, milliseconds, plural } from '../text.js';
import { type Resource, useResource } from '../use-resource.js';
import { Cell } from './data-cell.js';
import { readExact } from './exact-json.js';

const LIVE_MS = 10_000;

interface SchemaReply {
  tables: { name: string; type: string; sql: string | null }[];
  count: number;
}

/** A statement that only reads, after its comments. */
const READING =
  /^(?:\s|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:select\b|with\b(?!.*\b(?:insert|replace)\s+(?:or|into)\b)(?!.*\b(?:update|delete\s+from)\b))/is;

interface Result {
  /** Rows whose large integers are kept exactly, since JavaScript would round them. */
  rows: Record<string, unknown>[] | null;
  affected: number | null;
  /** Whether the statement returns rows of a change, which the API does not. */
  isReturning: boolean;
  ms: number;
}

export function DataPage() {
  const [sql, setSql] = useState('');
  const [mayWrite, setMayWrite] = useState(false);
  const [result, setResult] = useState<Result | null>(null);
  const schema = useResource(
    'schema',
    (signal) => call<SchemaReply>('GET', '/v1/rqlite/schema', { signal }),
    LIVE_MS,
  );

  const run = async () => {
    setResult(null);
    const started = performance.now();
    const isChange = mayWrite && !READING.test(sql);
    const response = await request('POST', isChange ? '/v1/rqlite/exec' : '/v1/rqlite/query', {
      json: { sql },
      isChange,
    });
    const reply = await jsonOf<{ items?: Result['rows']; rows_affected?: number }>(response, readExact);
    setResult({
      rows: reply.items ?? null,
      affected: reply.rows_affected ?? null,
      isReturning: isChange && /\breturning\b/i.test(sql),
      ms: performance.now() - started,
    });
    if (isChange) schema.reload();
  };

  return (
    <Page title="Data">
      <Panel title="SQL on the namespace's database">
        <Form
          label="SQL"
          submit={mayWrite ? 'Run and write' : 'Run'}
          disabled={sql.trim() === ''}
          onSubmit={run}
        >
          <CodeField
            label="Statement"
            hint={
              mayWrite
                ? 'One statement; it may change or delete rows. Rows of RETURNING are not shown.'
                : 'One SELECT; nothing is written.'
            }
            language="sql"
            rows={5}
            placeholder="select * from orders limit 100"
            value={sql}
            onChange={setSql}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={mayWrite}
              onChange={(event) => setMayWrite(event.currentTarget.checked)}
            />
            Let it write
          </label>
        </Form>
        {result && <ResultView of={result} />}
      </Panel>
      <Tables
        of={schema}
        onChoose={(name) => {
          setMayWrite(false);
          setSql(`select * from "${name.replaceAll('"', '""')}" limit 100`);
        }}
      />
    </Page>
  );
}

function Tables({ of: schema, onChoose }: { of: Resource<SchemaReply>; onChoose(name: string): void }) {
  return (
    <Panel title="Tables">
      <ResourceView
        of={schema}
        what="the tables"
        isEmpty={({ tables }) => tables.length === 0}
        empty={<p>None yet. Functions make them with db_execute, and so can you above.</p>}
      >
        {({ tables }) => (
          <Table
            label="Tables"
            rows={tables}
            keyOf={({ type, name }) => `${type} ${name}`}
            columns={[
              {
                name: 'Name',
                isTitle: true,
                cell: ({ name }) => (
                  <button type="button" class="quiet" onClick={() => onChoose(name)}>
                    {brief(name, 80)}
                  </button>
                ),
              },
              { name: 'Kind', cell: ({ type }) => label(type) },
              {
                name: 'Definition',
                isWide: true,
                cell: ({ sql: definition }) => (
                  <code title={brief(definition ?? '', 2000)}>{brief(definition ?? '')}</code>
                ),
              },
            ]}
          />
        )}
      </ResourceView>
    </Panel>
  );
}

function ResultView({ of: { rows, affected, isReturning, ms } }: { of: Result }) {
  if (rows === null) {
    return (
      <p role="status">
        {plural(affected ?? 0, 'row')} changed in {milliseconds(ms)}.
        {isReturning && ' The API does not return the rows of RETURNING.'}
      </p>
    );
  }
  const names = [...new Set(rows.slice(0, 100).flatMap((row) => Object.keys(row)))];
  return (
    <>
      <p role="status">
        {count(rows.length)} {rows.length === 1 ? 'row' : 'rows'} in {milliseconds(ms)}.
      </p>
      {rows.length > 0 && (
        <Table
          label="Result"
          rows={rows}
          keyOf={(_row, index) => index}
          whenNarrow="scroll"
          columns={names.map((name) => ({
            // An empty heading is one of actions.
            name: name.trim() === '' ? '(no name)' : label(name),
            cell: (row: Record<string, unknown>) => <Cell column={name} value={row[name]} />,
          }))}
        />
      )}
    </>
  );
}
