/**
 * Returns whether a trigger's pattern matches a topic. Segments are separated by `:`. `*` matches
 * exactly one segment, a final `>` one or more; other segments match literally.
 */
export function topicMatches(pattern: string, topic: string): boolean {
  if (pattern === topic) return true;
  const wanted = pattern.split(':');
  const given = topic.split(':');
  for (const [index, segment] of wanted.entries()) {
    if (segment === '>' && index === wanted.length - 1) return given.length > index;
    if (index >= given.length) return false;
    if (segment !== '*' && segment !== given[index]) return false;
  }
  return wanted.length === given.length;
}
