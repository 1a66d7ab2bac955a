import { isRefused } from '../api/error.js';
import { call } from '../api/request.js';
import type { InvocationRecord, InvocationsReply } from '../types.js';

/** The depth limit of triggers, and a width that remains readable. */
const MAX_DEPTH = 5;
const MAX_CHILDREN = 20;
const MAX_NODES = 100;

export interface TreeNode {
  record: InvocationRecord;
  children: TreeNode[];
  /** Whether further children exist beyond the limit. */
  hasMore: boolean;
}

/** The root invocations, each with its descendants. */
export interface Forest {
  roots: TreeNode[];
  hasMore: boolean;
}

/**
 * Loads the tree of an invocation from its oldest ancestor, with all invocations that the same
 * message triggered.
 */
export async function loadTreeOf(record: InvocationRecord, signal: AbortSignal): Promise<Forest> {
  let root = record;
  for (let depth = 0; depth < MAX_DEPTH && root.parent_id !== null; depth++) {
    try {
      root = await call<InvocationRecord>('GET', `/v1/invocations/${root.parent_id}`, { signal });
    } catch (error) {
      // The parent has been deleted, or the key may not see its function: the tree begins at the
      // oldest ancestor that it can begin at.
      if (isRefused(error, 403, 404)) break;
      throw error;
    }
  }
  if (root.parent_id === null && root.message_id !== undefined) {
    const forest = await loadTreeOfMessage(root.message_id, signal);
    if (forest.roots.some((each) => each.record.request_id === root.request_id)) return forest;
  }
  const [tree] = await loadTrees([root], signal);
  return { roots: tree === undefined ? [] : [tree], hasMore: false };
}

export async function loadTreeOfMessage(id: string, signal: AbortSignal): Promise<Forest> {
  const { invocations, next_cursor: next } = await list({ message_id: id }, signal);
  return { roots: await loadTrees(invocations.toReversed(), signal), hasMore: next !== null };
}

async function loadTrees(roots: readonly InvocationRecord[], signal: AbortSignal): Promise<TreeNode[]> {
  let left = MAX_NODES;
  const loadNode = async (record: InvocationRecord, depth: number): Promise<TreeNode> => {
    left--;
    if (depth >= MAX_DEPTH || left <= 0) return { record, children: [], hasMore: left <= 0 };
    const { invocations, next_cursor: next } = await list({ parent_id: record.request_id }, signal);
    const children: TreeNode[] = [];
    for (const child of invocations.toReversed()) children.push(await loadNode(child, depth + 1));
    return { record, children, hasMore: next !== null };
  };
  const trees: TreeNode[] = [];
  for (const root of roots) trees.push(await loadNode(root, 0));
  return trees;
}

function list(query: Record<string, string>, signal: AbortSignal): Promise<InvocationsReply> {
  return call<InvocationsReply>('GET', '/v1/invocations', {
    query: { ...query, limit: MAX_CHILDREN },
    signal,
  });
}
