// Checks imports against the one-way arrows of ARCHITECTURE.md. Fails when too few modules were
// found: a broken parser would find no violations.
import { execFileSync } from 'node:child_process';

const FOLDERS = ['src', 'workers', 'queues', 'db', 'console', 'clients', 'sdk', 'scripts', 'test', 'bench'];
const LEAST_MODULES = 40;

const output = execFileSync(
  process.execPath,
  [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
    ...FOLDERS,
  ],
  { maxBuffer: 256 << 20, encoding: 'utf8' },
);
const { modules, summary } = JSON.parse(output);
const own = modules.filter(({ source }) => FOLDERS.some((folder) => source.startsWith(`${folder}/`)));
const imports = own.reduce((sum, { dependencies }) => sum + dependencies.length, 0);

if (own.length < LEAST_MODULES || imports < own.length) {
  console.error(`Only ${own.length} modules and ${imports} imports were seen: the check itself is broken.`);
  process.exit(1);
}
for (const { from, to, rule } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
if (summary.violations.length > 0) process.exit(1);
console.log(`${own.length} modules, ${imports} imports, all arrows one way`);
