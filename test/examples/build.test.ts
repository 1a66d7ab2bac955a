import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseManifest } from '../../src/cli/yaml/manifest.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { check } from '../../workers/wasm/run/module-check.js';
import { runCli } from '../helpers/cli.js';
import { COMPILERS } from '../helpers/compilers.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

/**
 * Parses the module as a deploy does: all imports must exist with the right types, and an entry
 * point.
 */
function inspect(file: string) {
  const module = parse(readFileSync(file));
  return { ...check(module, 64), imports: module.imports.map((one) => one.name) };
}

// Serial, since a compiler uses all cores.
for (const [language, { title, found }] of Object.entries(COMPILERS)) {
  const run = found ? test.serial : test.serial.skip;
  run(
    `a function created by "init --lang ${language}" is built by ${title} into a WASI command`,
    async (t) => {
      const name = `made-in-${language}`;
      const made = await runCli(['function', 'init', name, '--lang', language], { home });
      t.is(made.code, 0, made.stderr);
      const directory = join(home, name);
      const { settings } = parseManifest(readFileSync(join(directory, 'function.yaml'), 'utf8'));
      t.is<string, string>(settings.name, name);
      t.true(existsSync(join(directory, '.gitignore')));

      const built = await runCli(['function', 'build', name], { home });
      t.is(built.code, 0, built.stderr);
      t.regex(built.stdout, /^Built function\.wasm \(.+\) with \S+ \d/);
      const module = inspect(join(directory, 'function.wasm'));
      t.is(module.kind, 'command');
      t.true(module.imports.includes('log_info'));
    },
  );
}

for (const name of readdirSync('examples')) {
  const directory = join('examples', name);
  if (!existsSync(join(directory, 'function.yaml'))) continue;
  const isTypeScript = existsSync(join(directory, 'index.ts'));
  const language = existsSync(join(directory, 'go.mod')) ? 'go' : 'assemblyscript';
  const run = isTypeScript || COMPILERS[language]?.found ? test.serial : test.serial.skip;
  run(`examples/${name} builds without network access`, async (t) => {
    // A copy beside the SDKs as in the repository: the examples refer to ../../sdk.
    const root = join(home, `copy-of-${name}`);
    mkdirSync(join(root, 'examples'), { recursive: true });
    cpSync(directory, join(root, directory), { recursive: true });
    cpSync('sdk', join(root, 'sdk'), { recursive: true });
    const env = { GOFLAGS: '-mod=mod', GOPROXY: 'off' };
    const built = await runCli(['function', 'build', join(root, directory)], { home, env });
    t.is(built.code, 0, built.stderr);
    t.is(inspect(join(root, directory, 'function.wasm')).kind, isTypeScript ? 'reactor' : 'command');
  });
}

test('the build command of function.yaml runs instead of a compiler', async (t) => {
  const directory = join(home, 'own-command');
  mkdirSync(directory);
  writeFileSync(
    join(directory, 'function.yaml'),
    "name: own\nbuild: printf '\\0asm\\1\\0\\0\\0' > function.wasm\n",
  );
  const built = await runCli(['function', 'build', directory], { home });
  t.is(built.code, 0, built.stderr);
  t.is(readFileSync(join(directory, 'function.wasm')).toString('hex'), '0061736d01000000');
});

test('a failed build prints the output of the compiler', async (t) => {
  const directory = join(home, 'broken');
  mkdirSync(join(directory, 'assembly'), { recursive: true });
  writeFileSync(join(directory, 'function.yaml'), 'name: broken\n');
  writeFileSync(join(directory, 'assembly', 'index.ts'), 'const x: i32 = "text";');
  const built = await runCli(['function', 'build', directory], { home });
  t.is(built.code, 1);
  t.regex(built.stderr, /^error: .* ended with exit code 1:\n[\s\S]*TS2322/);
});

const rust = COMPILERS.rust?.found === true ? test.serial : test.serial.skip;
rust('a failed build of a Rust function prints no warning about the SDK', async (t) => {
  const made = await runCli(['function', 'init', 'broken-rust', '--lang', 'rust'], { home });
  t.is(made.code, 0, made.stderr);
  writeFileSync(join(home, 'broken-rust', 'src', 'main.rs'), 'mod orama;\n\nfn main() { missing(); }\n');
  const built = await runCli(['function', 'build', 'broken-rust'], { home });
  t.is(built.code, 1);
  t.regex(built.stderr, /cannot find function `missing`/);
  t.notRegex(built.stderr, /warning|src\/orama/);
});

test('the error for a directory without sources lists the recognized source files', async (t) => {
  const directory = join(home, 'empty');
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.yaml'), 'name: empty\n');
  const built = await runCli(['function', 'build', directory], { home });
  t.is(built.code, 1);
  t.regex(built.stderr, /Nothing to build in .*go\.mod.*Cargo\.toml.*assembly/);
});

test('a file that cannot be written is an error that names the file and the reason', async (t) => {
  const made = await runCli(['function', 'init', 'blocked', '--lang', 'javascript'], { home });
  t.is(made.code, 0, made.stderr);
  mkdirSync(join(home, 'blocked', 'function.wasm'));
  const built = await runCli(['function', 'build', 'blocked'], { home });
  t.is(built.code, 1);
  t.regex(built.stderr, /^error: .*function\.wasm: it is a directory \(EISDIR\)\n$/);
});
