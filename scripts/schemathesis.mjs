// Tries a live engine with what its own /openapi.json allows and does not allow: no 5xx, no status, header or shape
// that the document does not have. Bounded in cases and time. Needs python3 with venv; installs into .build/.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const VERSION = '4.32.5';
const VENV = '.build/schemathesis';
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
];
const [maxExamples = '10', maxSeconds = '120'] = process.argv.slice(2);

if (!existsSync(join(VENV, 'bin', 'schemathesis'))) {
  execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'inherit' });
  execFileSync(join(VENV, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${VERSION}`], {
    stdio: 'inherit',
  });
}

const dataDir = await mkdtemp(join(tmpdir(), 'orama-schemathesis-'));
const engine = spawn(process.execPath, ['dist/src/cli/main.js', 'up', '--port', '0', '--data', dataDir], {
  env: { PATH: process.env.PATH, HOME: dataDir, LOG_LEVEL: 'error' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let code = 1;
try {
  const url = await listening(engine);
  const key = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
  const run = spawn(
    join(VENV, 'bin', 'schemathesis'),
    [
      'run',
      `${url}/openapi.json`,
      ...['--header', `X-API-Key: ${key}`],
      ...['--checks', CHECKS.join(',')],
      ...['--phases', 'examples,coverage,fuzzing'],
      ...['--max-examples', maxExamples, '--max-time', maxSeconds],
      // With follow=true the reply never ends.
      ...['--exclude-path-regex', '/logs$'],
      ...['--request-timeout', '30', '--generation-database', 'none', '--no-color', '--no-shrink'],
      ...['--continue-on-failure', '--warnings', 'off'],
    ],
    { stdio: 'inherit' },
  );
  [code] = await once(run, 'exit');
} finally {
  engine.kill('SIGTERM');
  if (engine.exitCode === null) await once(engine, 'exit');
  await rm(dataDir, { recursive: true, force: true });
}
process.exitCode = code ?? 1;

async function listening(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('the engine did not start');
}
