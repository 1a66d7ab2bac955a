// Builds the Redis scripts: inserts includes and BullMQ's functions into the files of FOLDERS, and
// writes them next to the compiled drivers. Fails when BullMQ is not the version that the scripts
// were written for.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const FOLDERS = ['queues/drivers/redis/lua', 'src/cache/drivers/lua', 'src/presence/drivers/lua'];
/**
 * `--- @include "includes/usage"` inserts a file of this project; `--- @bullmq moveToActive`
 * inserts a BullMQ script as a function.
 */
const DIRECTIVE = /^--- @(include|bullmq) "?([\w/]+)"?$/gm;
const COMMENT = /--\[\[[\s\S]*?\]\]\n?/g;

const require = createRequire(import.meta.url);

export async function buildLua() {
  // Imported here, because the build compiles them.
  const { bullFunction, checkStubs } = await import('../dist/queues/drivers/redis/bull-functions.js');
  const { checkBullScripts } = await import('../dist/queues/drivers/redis/bull-checks.js');
  const scripts = bullScripts();
  checkBullScripts(scripts);
  const used = new Set();

  const expand = (folder, file, seen) => {
    const path = join(folder, `${file}.lua`);
    if (!existsSync(path)) throw new Error(`${path} does not exist.`);
    return readFileSync(path, 'utf8')
      .replace(COMMENT, '')
      .replace(DIRECTIVE, (_line, kind, name) => {
        if (seen.has(name)) return '';
        seen.add(name);
        if (kind === 'include') return expand(folder, name, seen);
        const script = scriptNamed(scripts, name);
        used.add(script.lua);
        return bullFunction(name, script.lua);
      });
  };

  for (const folder of FOLDERS) {
    const target = join('dist', folder);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.lua'))) {
      const lua = expand(folder, name.replace(/\.lua$/, ''), new Set());
      if (lua.includes('--- @')) throw new Error(`${folder}/${name} has a directive that was not resolved.`);
      writeFileSync(join(target, name), lua);
    }
  }
  checkStubs([...used]);
}

/**
 * Returns BullMQ's scripts as BullMQ defines them on a connection: "<name>:<version>" → source and
 * number of keys.
 */
function bullScripts() {
  const root = dirname(require.resolve('bullmq'));
  const { version } = require(join(root, 'version.js'));
  const scripts = {};
  for (const file of readdirSync(join(root, 'scripts')).filter((each) => /-\d+\.js$/.test(each))) {
    const [script] = Object.values(require(join(root, 'scripts', file)));
    scripts[`${script.name}:${version}`] = { lua: script.content, numberOfKeys: script.keys };
  }
  return scripts;
}

function scriptNamed(scripts, name) {
  const found = Object.entries(scripts).find(([key]) => key.startsWith(`${name}:`));
  if (found === undefined) throw new Error(`BullMQ has no script ${name}.`);
  return found[1];
}
