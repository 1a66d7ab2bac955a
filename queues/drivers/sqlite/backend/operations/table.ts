import { addFlow, addJob, addJobs, addNewJobs } from './add.js';
import { claim, claimMany, isMaxed, peek } from './claim.js';
import { addLog, clearLogs, getLogs, updateData, updateProgress } from './contents.js';
import { dedupJobId, removeDedupKey, removeDedupOf } from './dedup.js';
import { removeChildDependency } from './dependencies.js';
import { lastEventId, publishEvent, readEvents, trimEvents } from './events.js';
import { complete, fail } from './finish.js';
import {
  countDelayed,
  countDependencies,
  countJobs,
  countPerPriority,
  dueTimes,
  getDependencies,
  getJob,
  getRanges,
  getState,
  pageOfChildren,
} from './getters.js';
import { extendLock, extendLocks, recoverStalled } from './locks.js';
import { getMeta, pause, removeMeta, setMeta } from './meta.js';
import { getMetrics } from './metrics.js';
import { rateLimitTtl, removeRateLimit, setRateLimit } from './rate-limit.js';
import { execute, query } from './raw.js';
import { clean, drain, obliterate, remove, removeUnprocessedChildren } from './removal.js';
import {
  advanceScheduler,
  countSchedulers,
  getScheduler,
  listSchedulers,
  removeScheduler,
  upsertScheduler,
} from './schedulers.js';
import {
  changeDelay,
  changePriority,
  delayActive,
  promote,
  promoteMany,
  reprocess,
  retryActive,
  retryFinished,
  returnToWait,
  shortenDelays,
  waitForChildren,
} from './transitions.js';

/**
 * All operations that the main thread can call, by name. The first parameter of each is its queue.
 * More than two others, or two of one type, are the fields of one options object: the compiler
 * would not notice if two of them were swapped.
 */
export const OPERATIONS = {
  addJob,
  addJobs,
  addNewJobs,
  addFlow,
  claim,
  claimMany,
  isMaxed,
  peek,
  complete,
  fail,
  delayActive,
  retryActive,
  waitForChildren,
  returnToWait,
  reprocess,
  retryFinished,
  promote,
  promoteMany,
  changeDelay,
  shortenDelays,
  changePriority,
  extendLock,
  extendLocks,
  recoverStalled,
  updateData,
  updateProgress,
  addLog,
  clearLogs,
  getLogs,
  remove,
  removeUnprocessedChildren,
  removeChildDependency,
  drain,
  clean,
  obliterate,
  pause,
  setMeta,
  getMeta,
  removeMeta,
  removeDedupOf,
  removeDedupKey,
  dedupJobId,
  upsertScheduler,
  advanceScheduler,
  removeScheduler,
  getScheduler,
  listSchedulers,
  countSchedulers,
  getJob,
  getState,
  countJobs,
  countDelayed,
  dueTimes,
  countPerPriority,
  getRanges,
  getDependencies,
  countDependencies,
  pageOfChildren,
  getMetrics,
  rateLimitTtl,
  setRateLimit,
  removeRateLimit,
  publishEvent,
  readEvents,
  lastEventId,
  trimEvents,
  query,
  execute,
};
