/**
 * The prefix of all keys of the queue. The braces put them into one hash slot of a Redis Cluster,
 * so that one transaction can use them.
 */
export const KEY_PREFIX = '{orama}';

/** The prefixes of the keys with which jobs are counted. */
export interface UsageKeys {
  /** `{orama}:`, before the kind in the names of BullMQ's keys. */
  prefix: string;
  /** `{orama}:usage:` */
  usage: string;
}
