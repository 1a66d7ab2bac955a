import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { namespaceSchema } from '../contract/ids.js';
import { parseOrThrow } from '../contract/parse-or-throw.js';
import { AppError } from '../errors.js';
import { makeDirectory } from '../files/make-directory.js';
import {
  engineAbove,
  foreignAbove,
  type LocalEngine,
  readEngine,
  rememberedEngines,
} from './local-engines.js';
import { writeOwnFile } from './own-file.js';

/** The connection options of the command line. */
export interface ConnectionFlags {
  url?: string;
  apiKey?: string;
  namespace?: string;
}

/** The resolved connection of the CLI. */
export interface Settings {
  url: string;
  apiKey?: string;
  namespace?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'http://127.0.0.1:4000';
const DEFAULT_DATA_DIR = '.orama';

const loginSchema = z.object({
  url: z.string(),
  api_key: z.string(),
  namespace: z.string().optional(),
});
export type Login = z.infer<typeof loginSchema>;

/**
 * Resolves the connection. Precedence: flags, ORAMA_* variables, the file written by `orama login`,
 * an engine on this machine. A key that was stored with a URL is sent only to that URL.
 */
export function resolveSettings(
  flags: ConnectionFlags,
  environment: Environment = process.env,
  directory: string = process.cwd(),
): Settings {
  return settingsOf(readLogin(environment), flags, environment, directory);
}

/** Returns the address for a new login, which may replace a damaged file of an earlier one. */
export function loginAddress(
  url: string | undefined,
  environment: Environment = process.env,
  directory: string = process.cwd(),
): string {
  let login: Login | undefined;
  try {
    login = readLogin(environment);
  } catch {
    login = undefined;
  }
  const withoutKey = { ...environment, ORAMA_API_KEY: undefined, ORAMA_NAMESPACE: undefined };
  return settingsOf(login, url === undefined ? {} : { url }, withoutKey, directory).url;
}

function settingsOf(
  login: Login | undefined,
  flags: ConnectionFlags,
  environment: Environment,
  directory: string,
): Settings {
  const address = flags.url ?? value(environment.ORAMA_URL) ?? login?.url;
  const engine = findEngine(address, environment, directory);
  const url = (address ?? engine?.url ?? DEFAULT_URL).replace(/\/+$/, '');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new AppError('bad_config', `The address of the engine must look like ${DEFAULT_URL}, not ${url}`);
  }
  const stored = login !== undefined && sameAddress(login.url, url) ? login : undefined;
  const apiKey = flags.apiKey ?? value(environment.ORAMA_API_KEY) ?? stored?.api_key ?? engine?.adminKey;
  if (apiKey === '')
    throw new AppError('bad_config', 'The API key is empty; leave out --api-key or give the key');
  if (apiKey !== undefined && !/^[!-~]+$/.test(apiKey)) {
    throw new AppError(
      'bad_config',
      'The API key may hold only letters, digits and signs of ASCII, and no blanks; give it whole with --api-key or ORAMA_API_KEY',
    );
  }
  const namespace = flags.namespace ?? value(environment.ORAMA_NAMESPACE) ?? stored?.namespace;
  if (namespace !== undefined) {
    parseOrThrow(namespaceSchema, namespace, { code: 'bad_config', name: () => 'The namespace' });
  }
  return {
    url,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/**
 * Stores a login for later commands with mode 0600. Returns the path of the file. Throws
 * `bad_config` if it cannot be written.
 */
export function saveLogin(login: Login, environment: Environment = process.env): string {
  const file = loginFile(environment);
  try {
    makeDirectory(dirname(file));
    writeOwnFile(file, `${JSON.stringify(login, null, 2)}\n`);
  } catch (cause) {
    throw new AppError('bad_config', `Cannot write ${file}; set ORAMA_URL and ORAMA_API_KEY instead`, {
      cause,
    });
  }
  return file;
}

/**
 * Returns the data directory of the local engine that commands find, or else that of a new engine.
 */
export function localDataDir(
  environment: Environment = process.env,
  directory: string = process.cwd(),
): string {
  const found = findEngine(undefined, environment, directory)?.dataDir;
  return found ?? value(environment.ORAMA_DATA_DIR) ?? join(directory, DEFAULT_DATA_DIR);
}

/** Returns the directory in which `orama up` registers running engines. */
export function engineNotes(environment: Environment = process.env): string {
  return join(stateDirectory(environment), 'engines');
}

/** Returns where to check for newer versions, or undefined unless ORAMA_UPDATE_NOTICE is `true`. */
export function updateSettings(
  environment: Environment = process.env,
): { registry: string; file: string } | undefined {
  if (environment.ORAMA_UPDATE_NOTICE !== 'true') return undefined;
  return {
    registry: value(environment.npm_config_registry) ?? 'https://registry.npmjs.org',
    file: join(stateDirectory(environment), 'update.json'),
  };
}

function stateDirectory(environment: Environment): string {
  return join(value(environment.XDG_STATE_HOME) ?? join(homedir(), '.local', 'state'), 'orama');
}

/**
 * Returns the variables of a directory's .env; variables of the environment take precedence. None
 * of them is deployed implicitly.
 */
export function environmentAt(directory: string, environment: Environment = process.env): Environment {
  const file = join(directory, '.env');
  return existsSync(file) ? { ...parseEnv(readFileSync(file, 'utf8')), ...environment } : environment;
}

/** Returns the environment of compilers: that of the CLI plus `more`. */
export function toolEnvironment(more: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return { ...process.env, ...more };
}

/**
 * Returns the engines that run on this machine, most recently started first, if a command takes the
 * first of them because nothing chooses one: no flag, variable, login, or engine of a data
 * directory. `foreign` is a data directory that is passed over because it belongs to another user.
 */
export function registeredChoice(
  flags: ConnectionFlags,
  environment: Environment = process.env,
  directory: string = process.cwd(),
): { engines: readonly LocalEngine[]; foreign: string | undefined } | undefined {
  const isChosen =
    flags.url !== undefined ||
    value(environment.ORAMA_URL) !== undefined ||
    readLogin(environment) !== undefined ||
    chosenEngine(environment, directory) !== undefined;
  if (isChosen) return undefined;
  const engines = rememberedEngines(engineNotes(environment));
  return { engines, foreign: foreignAbove(directory, DEFAULT_DATA_DIR) };
}

/** Returns the first local engine, or the one with the given URL. */
function findEngine(
  address: string | undefined,
  environment: Environment,
  directory: string,
): LocalEngine | undefined {
  const chosen = chosenEngine(environment, directory);
  const engines = [...(chosen === undefined ? [] : [chosen]), ...rememberedEngines(engineNotes(environment))];
  return address === undefined ? engines[0] : engines.find((engine) => sameAddress(engine.url, address));
}

/** Returns the engine of ORAMA_DATA_DIR, or else that of this directory or of one above it. */
function chosenEngine(environment: Environment, directory: string): LocalEngine | undefined {
  const dataDir = value(environment.ORAMA_DATA_DIR);
  return dataDir === undefined ? engineAbove(directory, DEFAULT_DATA_DIR) : readEngine(dataDir);
}

function readLogin(environment: Environment): Login | undefined {
  const file = loginFile(environment);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return loginSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('bad_config', `${file} is damaged; write it anew with "orama login"`, { cause });
  }
}

function loginFile(environment: Environment): string {
  const home = value(environment.XDG_CONFIG_HOME) ?? join(homedir(), '.config');
  return join(home, 'orama', 'config.json');
}

function sameAddress(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(address: string): string {
  if (!URL.canParse(address)) return address;
  const { protocol, hostname, port, pathname } = new URL(address);
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname;
  return `${protocol}//${host}:${port}${pathname.replace(/\/+$/, '')}`;
}

/** Shells and compose files use an empty value for "unset". */
function value(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
