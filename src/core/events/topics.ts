const [COLON, STAR, REST] = [0x3a, 0x2a, 0x3e];

/**
 * Returns whether a trigger's pattern matches a topic. Segments are separated by `:`. `*` matches
 * exactly one segment, a final `>` one or more; other segments match literally. Allocates nothing:
 * a batch of messages may be compared with millions of patterns.
 */
export function topicMatches(pattern: string, topic: string): boolean {
  for (let from = 0, at = 0; ; from += 1, at += 1) {
    const next = pattern.charCodeAt(from + 1);
    const isLast = from + 1 === pattern.length;
    const first = pattern.charCodeAt(from);
    if (first === REST && isLast) return true;
    if (first === STAR && (isLast || next === COLON)) {
      from += 1;
      while (at < topic.length && topic.charCodeAt(at) !== COLON) at += 1;
    } else {
      for (; from < pattern.length && pattern.charCodeAt(from) !== COLON; from += 1, at += 1) {
        if (pattern.charCodeAt(from) !== topic.charCodeAt(at)) return false;
      }
      if (at < topic.length && topic.charCodeAt(at) !== COLON) return false;
    }
    const isEnd = from === pattern.length;
    if (isEnd || at === topic.length) return isEnd && at === topic.length;
  }
}
