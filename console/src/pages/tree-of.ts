import { call } from '../api/request.js';
import type { InvocationRecord, InvocationsReply } from '../types.js';

/** As deep as triggers go, and as wide as can be taken in. */
const MAX_DEPTH = 5;
const MAX_CHILDREN = 20;
const MAX_NODES = 100;

export interface TreeNode {
  record: InvocationRecord;
  children: TreeNode[];
  /** There are more than were asked for. */
  hasMore: boolean;
}

/** The invocations that began it, each with what it has caused. */
export interface Forest {
  roots: TreeNode[];
  hasMore: boolean;
}

/** From what was first: the oldest of its ancestors, and whatever the same message has fired. */
export async function loadTreeOf(record: InvocationRecord, signal: AbortSignal): Promise<Forest> {
  let root = record;
  for (let depth = 0; depth < MAX_DEPTH && root.parent_id !== null; depth++) {
    try {
      root = await call<InvocationRecord>('GET', `/v1/invocations/${root.parent_id}`, { signal });
    } catch {
      // No longer kept: the tree begins at the oldest that is.
      break;
    }
  }
  if (root.parent_id === null && root.message_id !== undefined) {
    const forest = await loadTreeOfMessage(root.message_id, signal);
    if (forest.roots.some((each) => each.record.request_id === root.request_id)) return forest;
  }
  const [tree] = await growAll([root], signal);
  return { roots: tree === undefined ? [] : [tree], hasMore: false };
}

export async function loadTreeOfMessage(id: string, signal: AbortSignal): Promise<Forest> {
  const { invocations, next_cursor: next } = await list({ message_id: id }, signal);
  return { roots: await growAll(invocations.toReversed(), signal), hasMore: next !== null };
}

async function growAll(roots: readonly InvocationRecord[], signal: AbortSignal): Promise<TreeNode[]> {
  let left = MAX_NODES;
  const grow = async (record: InvocationRecord, depth: number): Promise<TreeNode> => {
    left--;
    if (depth >= MAX_DEPTH || left <= 0) return { record, children: [], hasMore: left <= 0 };
    const { invocations, next_cursor: next } = await list({ parent_id: record.request_id }, signal);
    const children: TreeNode[] = [];
    for (const child of invocations.toReversed()) children.push(await grow(child, depth + 1));
    return { record, children, hasMore: next !== null };
  };
  const trees: TreeNode[] = [];
  for (const root of roots) trees.push(await grow(root, 0));
  return trees;
}

function list(query: Record<string, string>, signal: AbortSignal): Promise<InvocationsReply> {
  return call<InvocationsReply>('GET', '/v1/invocations', {
    query: { ...query, limit: MAX_CHILDREN },
    signal,
  });
}
