import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'ava';
import { findServer } from '../helpers/servers.js';

const OWN = resolve('.build/schemathesis/bin/schemathesis');
const MAX_EXAMPLES = '5';
const MAX_SECONDS = '30';

const program = existsSync(OWN) ? OWN : findServer('schemathesis', 'SCHEMATHESIS', 'schemathesis');

(program ? test : test.skip)(
  'the engine conforms to its OpenAPI document under Schemathesis, and never returns a 5xx',
  async (t) => {
    const run = spawn(process.execPath, ['scripts/schemathesis.mjs', MAX_EXAMPLES, MAX_SECONDS], {
      env: { ...process.env, SCHEMATHESIS: program ?? '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let report = '';
    run.stdout.setEncoding('utf8').on('data', (part: string) => {
      report += part;
    });
    const [code] = await once(run, 'exit');
    t.log(/^.*generated.*$/m.exec(report)?.[0]);
    // Long values make the report unreadable.
    t.is(code, 0, report.replace(/^(.{400}).*$/gm, '$1'));
  },
);
