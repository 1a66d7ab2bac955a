import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pythonVersion, setVersion } from './versions.mjs';

const CLIENT_SOURCES = 'clients/python';

/**
 * Packs a package of npm from a copy of the files that npm would pack, with the new version: nothing changes here. Returns
 * the name of the tarball in `out`.
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

/** Builds wheel and sdist of the Python client; its build backend needs the standard library alone. */
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

/** The Go SDK with its client, as committed: what the tag of the module names. */
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

/** What each package is called where it is published. */
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
