import { REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { publish } from './events.js';
import { deleteJob, keyOf, releaseParent, toWaiting } from './rows.js';

/** The parent of a job, as stored in the job's row. */
export interface ParentLink {
  queue: string;
  id: string;
}

/** Returns the key by which a parent refers to this child. */
export function childKey(queue: QueueState, id: string): string {
  return `${queue.name}:${id}`;
}

interface AddDependencyOptions {
  /** The child, a job of `queue`. */
  id: string;
  parentKey: number;
  /** A value of `DEPENDENCY`. */
  status: number;
  value: string | null;
}

/** Adds a child to a parent's dependencies, or updates the existing dependency. */
export function addDependency(
  queue: QueueState,
  { id, parentKey, status, value }: AddDependencyOptions,
): void {
  const { store } = queue;
  const added = store.run(
    `INSERT INTO dependency (parent, child_key, child_queue, child_id, status, value) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    parentKey,
    childKey(queue, id),
    queue.name,
    id,
    status,
    value,
  );
  if (added === 0) {
    if (status !== DEPENDENCY.pending)
      store.run(
        'UPDATE dependency SET status = ?, value = ? WHERE parent = ? AND child_key = ?',
        status,
        value,
        parentKey,
        childKey(queue, id),
      );
    return;
  }
  store.run(
    'UPDATE job SET children = children + 1, pending = pending + ? WHERE key = ?',
    status === DEPENDENCY.pending ? 1 : 0,
    parentKey,
  );
}

interface ResolveDependencyOptions {
  /** The child, a job of `queue`. */
  id: string;
  parent: ParentLink;
  /** What the dependency becomes; null: it is deleted. */
  outcome: { status: number; value: string | null } | null;
  /** When to release the parent: with its last pending child, as by default, or now. */
  release?: 'last' | 'always';
  /** The reason for which the parent fails at its next start. */
  deferredFailure?: string;
  now: number;
}

/**
 * Removes a child from the pending children of its parent, and releases the parent if it has to
 * wait no longer.
 */
export function resolveDependency(
  queue: QueueState,
  { id, parent, outcome, release = 'last', deferredFailure, now }: ResolveDependencyOptions,
): boolean {
  const { store } = queue;
  const parentQueue = store.queue(parent.queue);
  const parentKey = keyOf(parentQueue, parent.id);
  if (parentKey === undefined) return false;
  const key = childKey(queue, id);
  const resolved =
    outcome === null
      ? store.run(
          `DELETE FROM dependency WHERE parent = ? AND child_key = ? AND status = ${DEPENDENCY.pending}`,
          parentKey,
          key,
        )
      : store.run(
          `UPDATE dependency SET status = ?, value = ? WHERE parent = ? AND child_key = ? AND status = ${DEPENDENCY.pending}`,
          outcome.status,
          outcome.value,
          parentKey,
          key,
        );
  if (resolved === 0) return false;
  const left = store.row<[number]>(
    'UPDATE job SET pending = max(pending - 1, 0), deferred_failure = coalesce(?, deferred_failure) WHERE key = ? RETURNING pending',
    deferredFailure ?? null,
    parentKey,
  )?.[0];
  if (release === 'always' || left === 0) releaseParent(parentQueue, parent.id, now);
  return true;
}

interface ResolveFailedChildOptions {
  /** The child, a job of `queue`. */
  id: string;
  parent: ParentLink;
  /** The options of the child. JSON. */
  opts: string;
  reason: string;
  now: number;
}

/** Applies the child's own options to its parent when the child has failed permanently. */
export function resolveFailedChild(
  queue: QueueState,
  { id, parent, opts, reason, now }: ResolveFailedChildOptions,
): void {
  const wish = JSON.parse(opts) as {
    failParentOnFailure?: boolean;
    continueParentOnFailure?: boolean;
    ignoreDependencyOnFailure?: boolean;
    removeDependencyOnFailure?: boolean;
  };
  if (wish.failParentOnFailure === true) {
    const outcome = { status: DEPENDENCY.failed, value: reason };
    const deferredFailure = `child ${childKey(queue, id)} failed`;
    resolveDependency(queue, { id, parent, outcome, release: 'always', deferredFailure, now });
  } else if (wish.continueParentOnFailure === true) {
    const outcome = { status: DEPENDENCY.ignored, value: reason };
    resolveDependency(queue, { id, parent, outcome, release: 'always', now });
  } else if (wish.ignoreDependencyOnFailure === true) {
    resolveDependency(queue, { id, parent, outcome: { status: DEPENDENCY.ignored, value: reason }, now });
  } else if (wish.removeDependencyOnFailure === true) {
    resolveDependency(queue, { id, parent, outcome: null, now });
  }
}

/**
 * Detaches a child from its parent, and releases the parent if no child is pending. Returns false
 * when the job has no parent.
 */
export function removeChildDependency(queue: QueueState, id: string, now: number): boolean {
  const { store } = queue;
  const child = store.row<[key: number, parentQueue: string | null, parentId: string | null]>(
    'SELECT key, parent_queue, parent_id FROM job WHERE queue = ? AND id = ?',
    queue.id,
    id,
  );
  if (child === undefined) throw new Refusal(REFUSAL.missingJob);
  const [key, parentQueueName, parentId] = child;
  if (parentQueueName === null || parentId === null) return false;
  const parentQueue = store.queue(parentQueueName);
  const parentKey = keyOf(parentQueue, parentId);
  if (parentKey === undefined) throw new Refusal(REFUSAL.missingParent);
  const removed = deleteDependency(queue, id, parentKey);
  if (removed === undefined) return false;
  store.run('UPDATE job SET parent_queue = NULL, parent_id = NULL, parent_key = NULL WHERE key = ?', key);
  const left = store.row<[number]>(
    'UPDATE job SET pending = max(pending - ?, 0) WHERE key = ? RETURNING pending',
    removed === DEPENDENCY.pending ? 1 : 0,
    parentKey,
  )?.[0];
  if (left === 0) releaseParent(parentQueue, parentId, now);
  return true;
}

/**
 * Called after a clean-up has removed children: a parent without pending children is removed as
 * well, or released when it belongs to another queue.
 */
export function releaseParentsOfRemoved(queue: QueueState, parents: Iterable<ParentLink>): void {
  const { store } = queue;
  for (const parent of parents) {
    const parentQueue = store.queue(parent.queue);
    const row = store.row<[key: number, state: number, pending: number]>(
      'SELECT key, state, pending FROM job WHERE queue = ? AND id = ?',
      parentQueue.id,
      parent.id,
    );
    if (row === undefined) continue;
    const [key, state, pending] = row;
    if (state !== STATE.waitingChildren || pending > 0) continue;
    if (parentQueue.id === queue.id) {
      deleteJob(store, key);
    } else {
      toWaiting(parentQueue, key);
      publish(parentQueue, 'waiting', { jobId: parent.id, prev: 'waiting-children' });
    }
  }
}

/**
 * Deletes the dependency on a removed child without releasing the parent; `releaseParentsOfRemoved`
 * does that when all children are gone.
 */
export function forgetDependency(queue: QueueState, id: string, parent: ParentLink): void {
  const { store } = queue;
  const parentKey = keyOf(store.queue(parent.queue), parent.id);
  if (parentKey === undefined) return;
  if (deleteDependency(queue, id, parentKey) === DEPENDENCY.pending)
    store.run('UPDATE job SET pending = max(pending - 1, 0) WHERE key = ?', parentKey);
}

/** Returns the status of the deleted dependency, or undefined if there was none. */
function deleteDependency(queue: QueueState, id: string, parentKey: number): number | undefined {
  return queue.store.row<[number]>(
    'DELETE FROM dependency WHERE parent = ? AND child_key = ? RETURNING status',
    parentKey,
    childKey(queue, id),
  )?.[0];
}
