const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

/**
 * Returns the version of a release: the current one by default, the next major, minor or patch
 * version, or a given one.
 */
export function nextVersion(current, wanted = current) {
  if (VERSION.test(wanted)) return wanted;
  const [, major, minor, patch] = VERSION.exec(current)?.map(Number) ?? [];
  switch (wanted) {
    case 'major':
      return `${major + 1}.0.0`;
    case 'minor':
      return `${major}.${minor + 1}.0`;
    case 'patch':
      return `${major}.${minor}.${patch + 1}`;
    default:
      throw new Error(`The version must be major, minor, patch or one such as 1.2.3, not ${wanted}`);
  }
}

/**
 * Returns the changelog with its Unreleased section released under this version and date, and the
 * text of that section.
 */
export function releaseNotes(text, version, date) {
  const heading = /^## \[Unreleased\]$/m.exec(text);
  if (heading === null) throw new Error('CHANGELOG.md has no section "## [Unreleased]"');
  const start = heading.index + heading[0].length;
  const next = text.slice(start).search(/^## /m);
  const notes = text.slice(start, next < 0 ? undefined : start + next).trim();
  if (notes === '') throw new Error(`The section "${heading[0]}" of CHANGELOG.md is empty`);
  const released = `## [Unreleased]\n\n## [${version}] - ${date}`;
  return { notes: `${notes}\n`, text: text.replace(heading[0], () => released) };
}
