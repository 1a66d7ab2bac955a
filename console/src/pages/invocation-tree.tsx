import { call } from '../api/request.js';
import { Failure, ResourceView } from '../parts/resource-view.js';
import { State } from '../parts/state.js';
import { Link } from '../router.js';
import { milliseconds, plural } from '../text.js';
import type { InvocationRecord, InvocationsReply } from '../types.js';
import { useResource } from '../use-resource.js';

/** As deep as triggers go, and as wide as can be taken in. */
const MAX_DEPTH = 5;
const MAX_CHILDREN = 20;
const MAX_NODES = 100;
const LIVE_MS = 5000;

interface TreeNode {
  record: InvocationRecord;
  children: TreeNode[];
  /** There are more than were asked for. */
  hasMore: boolean;
}

/** The whole tree that an invocation is part of, from what was first, with times as a waterfall. */
export function InvocationTree({ of: record }: { of: InvocationRecord }) {
  const tree = useResource(`tree ${record.request_id}`, (signal) => loadTree(record, signal), LIVE_MS);
  if (tree.error !== undefined && tree.data === undefined)
    return <Failure error={tree.error} what="the tree" />;
  return (
    <ResourceView of={tree} what="the tree">
      {(root) => <Waterfall root={root} current={record.request_id} />}
    </ResourceView>
  );
}

async function loadTree(record: InvocationRecord, signal: AbortSignal): Promise<TreeNode> {
  let root = record;
  for (let depth = 0; depth < MAX_DEPTH && root.parent_id !== null; depth++) {
    try {
      root = await call<InvocationRecord>('GET', `/v1/invocations/${root.parent_id}`, { signal });
    } catch {
      // No longer kept: the tree begins at the oldest that is.
      break;
    }
  }
  let left = MAX_NODES;
  const grow = async (of: InvocationRecord, depth: number): Promise<TreeNode> => {
    left--;
    if (depth >= MAX_DEPTH || left <= 0) return { record: of, children: [], hasMore: left <= 0 };
    const { invocations, next_cursor: next } = await call<InvocationsReply>('GET', '/v1/invocations', {
      query: { parent_id: of.request_id, limit: MAX_CHILDREN },
      signal,
    });
    const children: TreeNode[] = [];
    for (const child of invocations.toReversed()) children.push(await grow(child, depth + 1));
    return { record: of, children, hasMore: next !== null };
  };
  return grow(root, 0);
}

interface Row {
  node: TreeNode;
  depth: number;
}

function rowsOf(node: TreeNode, depth = 0): Row[] {
  return [{ node, depth }, ...node.children.flatMap((child) => rowsOf(child, depth + 1))];
}

function Waterfall({ root, current }: { root: TreeNode; current: string }) {
  const rows = rowsOf(root);
  const from = Math.min(...rows.map(({ node }) => Date.parse(node.record.created_at)));
  const to = Math.max(...rows.map(({ node }) => endOf(node.record)), from + 1);
  const share = (ms: number) => (100 * ms) / (to - from);
  if (rows.length === 1 && !root.hasMore) {
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
                <Link to={`/invocations/${record.request_id}`} isCurrent={record.request_id === current}>
                  {record.function}@{record.version}
                </Link>{' '}
                <span class="faint">{record.trigger}</span>
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
        {plural(rows.length, 'invocation')} in {milliseconds(to - from)}, waiting included.
      </p>
    </>
  );
}

function endOf({ completed_at: ended }: InvocationRecord): number {
  return ended === null ? Date.now() : Date.parse(ended);
}
