import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files that contain the version, besides the lock file, with the pattern before it. */
const PLACES = {
  'package.json': /^( {2}"version": ")[^"]+/m,
  'clients/typescript/package.json': /^( {2}"version": ")[^"]+/m,
  'clients/python/pyproject.toml': /^(version = ")[^"]+/m,
  'sdk/javascript/orama/manifest.json': /^( {2}"version": ")[^"]+/m,
  'sdk/rust/Cargo.toml': /^(version = ")[^"]+/m,
  'deploy/kubernetes/kustomization.yaml': /^( {4}newTag: )\S+/m,
};

/** Sets the version in all of these files that exist below `root`. */
export function setVersion(root, version) {
  for (const [file, pattern] of Object.entries(PLACES)) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    if (!pattern.test(text))
      throw new Error(`${file} has no version where scripts/release/versions.mjs expects it`);
    const own = file.endsWith('pyproject.toml') ? pythonVersion(version) : version;
    writeFileSync(
      path,
      text.replace(pattern, (_, before) => before + own),
    );
  }
}

/** Converts a version to Python's format of pre-releases (PEP 440): `1.2.0-rc.1` → `1.2.0rc1`. */
export function pythonVersion(version) {
  const [release, before] = version.split(/-(.*)/s);
  if (before === undefined) return release;
  const [, stage, number] = /^(alpha|beta|rc)\.?(\d+)$/.exec(before) ?? [];
  if (stage === undefined) {
    throw new Error(`A version before a release must end in -alpha.1, -beta.1 or -rc.1, not -${before}`);
  }
  return `${release}${{ alpha: 'a', beta: 'b', rc: 'rc' }[stage]}${number}`;
}
