import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram, pathOf } from '../../src/cli/program.js';

const ID = '01890000-0000-7000-8000-000000000000';

/** Arguments of every command that shows replies of the server; `-f` and the like never end. */
export const SHOWING: Record<string, string> = {
  'function deploy': 'fn --no-build',
  'function invoke': 'a --data 1',
  'function list': '',
  'function get': 'a',
  'function delete': 'a --force',
  'function logs': 'a',
  'function versions': 'a',
  'function rollback': 'a 1',
  'function alias set': 'a live 1',
  'function alias list': 'a',
  'function alias delete': 'a live',
  'function rollout start': 'a --to 1',
  'function rollout status': 'a',
  'function rollout abort': 'a',
  'function secrets set': 'A b',
  'function secrets list': '',
  'function secrets delete': 'A --force',
  'function triggers add': 'a --topic b',
  'function triggers list': 'a',
  'function triggers pause': 'a b',
  'function triggers resume': 'a b',
  'function triggers run': 'a b',
  'function triggers delete': 'a b',
  'function dead list': '',
  'function dead show': ID,
  'function dead replay': 'a',
  'function dead purge': 'a --force',
  'function publish': 'a --data 1',
  'function pull': `${ID} --no-run`,
  invoke: 'a --async',
  logs: 'a --follow',
  deploy: '--no-build --prune',
  console: '',
  'invocations list': '',
  'invocations get': ID,
  'invocations cancel': ID,
  'invocations replay': ID,
  login: '--api-key ak_x:default',
  'keys create': 'a',
  'keys list': '',
  'keys revoke': 'a',
  'namespaces usage': '--namespace a',
  'namespaces quota': 'keys 1',
  status: '',
  doctor: '',
  audit: '',
};
/** Commands that show nothing of a server that is not their own. */
const LOCAL = [
  ...['function init', 'function build', 'function dev', 'init', 'build', 'dev', 'up'],
  ...['admin rotate-secrets-key', 'completion', 'help'],
];

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/** Returns the commands that are in neither list. */
export function unlistedCommands(): string[] {
  return leaves(createProgram())
    .map(pathOf)
    .filter((path) => !(path in SHOWING) && !LOCAL.includes(path));
}

/** Makes a project with a built function, as the commands for projects need it. */
export function makeProject(directory: string): void {
  mkdirSync(join(directory, 'fn'));
  writeFileSync(join(directory, 'orama.yaml'), 'functions: [fn]');
  writeFileSync(join(directory, 'fn', 'function.yaml'), 'name: fn');
  writeFileSync(join(directory, 'fn', 'function.wasm'), 'x');
}
