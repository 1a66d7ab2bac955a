import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pythonVersion, setVersion } from './versions.mjs';

const CLIENT_SOURCES = 'clients/python';

/**
 * Packs an npm package with the new version, from a copy of the files that npm would pack, so that
 * the working tree is not modified. Returns the name of the tarball in `out`.
 */
export function packNpm(directory, version, out) {
  return inCopy((copy) => {
    const root = join(copy, directory);
    const [{ files }] = JSON.parse(npm(directory, 'pack', '--dry-run', '--json', '--ignore-scripts'));
    for (const { path } of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(join(directory, path), join(root, path));
    }
    setVersion(copy, version);
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(out)];
    const [{ filename }] = JSON.parse(npm(root, ...args));
    if (!existsSync(join(out, filename))) throw new Error(`npm pack made no ${filename}`);
    return filename;
  });
}

/**
 * Builds the wheel and the sdist of the Python client, whose build backend needs only the standard
 * library. Returns the names of the files in `out`.
 */
export function packPython(version, out) {
  return inCopy((copy) => {
    cpSync(CLIENT_SOURCES, join(copy, CLIENT_SOURCES), { recursive: true });
    setVersion(copy, version);
    const backend = join(copy, CLIENT_SOURCES, 'build_backend.py');
    try {
      return capture('python3', [backend, resolve(out)])
        .trim()
        .split('\n');
    } catch (cause) {
      throw new Error('The Python client could not be built; it needs python3 of 3.11 or newer', { cause });
    }
  });
}

/**
 * Archives the Go SDK with its client as committed, which is what the module's tag refers to.
 * Returns the name of the archive in `out`.
 */
export function packGo(version, out) {
  const name = `orama-sdk-go-${version}`;
  const file = `${name}.tar.gz`;
  capture(
    'git',
    ['archive', '--format=tar.gz', `--prefix=${name}/`, '-o', join(resolve(out), file), 'HEAD'],
    'sdk/go',
  );
  return file;
}

/** Returns the package URL (purl) of each published package. */
export function purls(version) {
  return {
    'orama-functions-client': `pkg:npm/orama-functions-client@${version}`,
    orama_functions_client: `pkg:pypi/orama-functions-client@${pythonVersion(version)}`,
    'orama-sdk-go': `pkg:golang/orama/sdk-go@v${version}`,
  };
}

function inCopy(use) {
  const copy = mkdtempSync(join(tmpdir(), 'orama-release-'));
  try {
    return use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function npm(cwd, ...args) {
  return capture('npm', args, cwd);
}

function capture(command, args, cwd = '.') {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
