import { call } from '../api/request.js';
import { Moment } from '../parts/moment.js';
import { State } from '../parts/state.js';
import { type Column, Table } from '../parts/table.js';
import { Link } from '../router.js';
import { brief, label, milliseconds, visible } from '../text.js';
import type { InvocationRecord, InvocationsReply } from '../types.js';

export interface InvocationFilter {
  function?: string;
  status?: string;
  reason?: string;
  parent_id?: string;
  since?: string;
  cursor?: string | undefined;
  limit?: number;
}

export function listInvocations(filter: InvocationFilter, signal: AbortSignal): Promise<InvocationsReply> {
  return call<InvocationsReply>('GET', '/v1/invocations', { query: { ...filter }, signal });
}

/** Returns the total duration of the attempts; null before the first has ended. */
export function runTime({ attempts }: InvocationRecord): number | null {
  return attempts.length === 0 ? null : attempts.reduce((sum, { duration_ms }) => sum + duration_ms, 0);
}

const COLUMNS: readonly Column<InvocationRecord>[] = [
  { name: 'State', isTitle: true, cell: ({ state }) => <State of={state} /> },
  {
    name: 'Function',
    isTitle: true,
    cell: (each) => (
      <Link to={`/invocations/${encodeURIComponent(each.request_id)}`}>
        <span class="long-name">{label(each.function)}</span>
        <span class="faint">@{each.version}</span>
      </Link>
    ),
  },
  { name: 'Trigger', cell: ({ trigger }) => label(trigger) },
  { name: 'Accepted', cell: ({ created_at }) => <Moment at={created_at} short /> },
  { name: 'Attempts', isNumber: true, cell: ({ attempts }) => attempts.length },
  { name: 'Ran', isNumber: true, cell: (each) => milliseconds(runTime(each)) },
  {
    name: 'Error',
    isWide: true,
    cell: ({ error }) => error !== null && <span title={brief(error, 500)}>{brief(error)}</span>,
  },
  {
    name: 'Id',
    cell: ({ request_id }) => (
      <code class="faint">{visible(`${request_id.slice(0, 8)}…${request_id.slice(-6)}`)}</code>
    ),
  },
];

/** The rows that are selected for an action. */
export interface Selection {
  ids: { has(id: string): boolean };
  toggle(records: readonly InvocationRecord[], isChosen: boolean): void;
}

interface InvocationTableProps {
  label: string;
  invocations: readonly InvocationRecord[];
  selection?: Selection;
}

function choiceColumn(
  { ids, toggle }: Selection,
  all: readonly InvocationRecord[],
): Column<InvocationRecord> {
  const chosen = all.filter(({ request_id: id }) => ids.has(id)).length;
  return {
    name: 'Selected',
    head: (
      <input
        type="checkbox"
        aria-label="Select all on this page"
        checked={chosen > 0 && chosen === all.length}
        indeterminate={chosen > 0 && chosen < all.length}
        onChange={(event) => toggle(all, event.currentTarget.checked)}
      />
    ),
    cell: (record) => (
      <input
        type="checkbox"
        aria-label={label(`Select ${record.function} ${record.request_id}`)}
        checked={ids.has(record.request_id)}
        onChange={(event) => toggle([record], event.currentTarget.checked)}
      />
    ),
  };
}

export function InvocationTable({ label, invocations, selection }: InvocationTableProps) {
  const columns = selection === undefined ? COLUMNS : [choiceColumn(selection, invocations), ...COLUMNS];
  return <Table label={label} columns={columns} rows={invocations} keyOf={({ request_id }) => request_id} />;
}
