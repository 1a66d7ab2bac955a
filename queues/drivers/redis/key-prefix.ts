/**
 * The prefix of all keys of the queue. The braces put them into one hash slot of a Redis Cluster,
 * so that one transaction can use them.
 */
export const KEY_PREFIX = '{orama}';
