import { now } from '../clock.js';
import { ResourceView } from '../parts/resource-view.js';
import { State } from '../parts/state.js';
import { Link } from '../router.js';
import { label, milliseconds, plural } from '../text.js';
import type { InvocationRecord } from '../types.js';
import { useResource } from '../use-resource.js';
import { type Forest, loadTreeOf, loadTreeOfMessage, type TreeNode } from './tree-of.js';

const LIVE_MS = 5000;

/** The whole tree of an invocation, from its root, with the times as a waterfall. */
export function InvocationTree({ of: record }: { of: InvocationRecord }) {
  const tree = useResource(`tree ${record.request_id}`, (signal) => loadTreeOf(record, signal), LIVE_MS);
  return (
    <ResourceView of={tree} what="the tree">
      {(forest) => <Waterfall of={forest} current={record.request_id} />}
    </ResourceView>
  );
}

/** The invocations that a message triggered, and their descendants. */
export function MessageTree({ id }: { id: string }) {
  const tree = useResource(`message ${id}`, (signal) => loadTreeOfMessage(id, signal), LIVE_MS);
  return (
    <ResourceView
      of={tree}
      what="what the message has triggered"
      isEmpty={({ roots }) => roots.length === 0}
      empty={
        <p>
          It has triggered nothing: no trigger listens to its topic, or what it triggered is no longer kept.
        </p>
      }
    >
      {(forest) => <Waterfall of={forest} current={null} />}
    </ResourceView>
  );
}

interface Row {
  node: TreeNode;
  depth: number;
}

function rowsOf(node: TreeNode, depth = 0): Row[] {
  return [{ node, depth }, ...node.children.flatMap((child) => rowsOf(child, depth + 1))];
}

function Waterfall({ of: { roots, hasMore }, current }: { of: Forest; current: string | null }) {
  const rows = roots.flatMap((root) => rowsOf(root));
  const from = Math.min(...rows.map(({ node }) => Date.parse(node.record.created_at)));
  const to = Math.max(...rows.map(({ node }) => endOf(node.record)), from + 1);
  const share = (ms: number) => (100 * ms) / (to - from);
  if (current !== null && rows.length === 1 && !hasMore && !roots[0]?.hasMore) {
    return <p class="faint">Nothing else: no invocation caused it, and it has caused none.</p>;
  }
  return (
    <>
      <ol class="tree">
        {rows.map(({ node, depth }) => {
          const { record } = node;
          const start = Date.parse(record.created_at) - from;
          const length = endOf(record) - from - start;
          return (
            <li key={record.request_id} class={record.request_id === current ? 'current' : ''}>
              <span class={`tree-name depth-${depth}`}>
                <State of={record.state} />{' '}
                <Link
                  to={`/invocations/${encodeURIComponent(record.request_id)}`}
                  isCurrent={record.request_id === current}
                >
                  {label(record.function)}@{record.version}
                </Link>{' '}
                <span class="faint">{label(record.trigger)}</span>
                {node.hasMore && <span class="faint"> · more not shown</span>}
              </span>
              <svg
                class={`span state-${record.state}`}
                viewBox="0 0 100 10"
                preserveAspectRatio="none"
                aria-hidden="true"
              >
                <rect x={share(start)} y="1" width={Math.max(0.6, share(length))} height="8" rx="0.5" />
              </svg>
              <span class="number">{milliseconds(length)}</span>
            </li>
          );
        })}
      </ol>
      <p class="faint">
        {plural(rows.length, 'invocation')} in {milliseconds(to - from)}, waiting included
        {hasMore && '; the message has triggered more than are shown'}.
      </p>
    </>
  );
}

function endOf({ created_at: begun, completed_at: ended }: InvocationRecord): number {
  return ended === null ? Math.max(now(), Date.parse(begun)) : Date.parse(ended);
}
