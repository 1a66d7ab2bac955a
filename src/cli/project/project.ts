import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { AppError } from '../../errors.js';
import { suggest } from '../../suggest.js';
import {
  type ConnectionFlags,
  type Environment,
  environmentAt,
  resolveSettings,
  type Settings,
} from '../config.js';
import { MANIFEST_FILE, readManifest } from '../function-directory.js';
import { isOwn } from '../own-file.js';
import type { Manifest } from '../yaml/manifest.js';
import { PROJECT_FILE, type ProjectFile, parseProject, type Stage } from '../yaml/project-file.js';

/** A function of a project, with its settings for the selected stage. */
export interface ProjectFunction {
  name: string;
  directory: string;
  manifest: Manifest;
}

export interface Project {
  /** Directory of orama.yaml. */
  root: string;
  stage: Stage | undefined;
  environment: Environment;
  /** All functions, sorted by name. */
  functions: readonly ProjectFunction[];
}

/**
 * Returns the nearest directory with an orama.yaml, starting at `directory` and going up. Above it,
 * only one that belongs to the user is taken: a project runs build commands, and another user may
 * be able to write to a directory above, such as /tmp.
 */
export function findProject(directory: string): string | undefined {
  if (existsSync(join(directory, PROJECT_FILE))) return directory;
  for (let above = dirname(directory), below = directory; above !== below; ) {
    if (isOwn(join(above, PROJECT_FILE))) return above;
    below = above;
    above = dirname(above);
  }
  return undefined;
}

/**
 * Returns the message for a command or flag that is used outside a project. `instead` is the
 * command for a single function.
 */
export function needsProject(what: string, instead: string): string {
  return `error: ${what} needs a project, and there is no ${PROJECT_FILE} here or above; create one with the line functions: ["functions/*"], or ${instead}`;
}

/**
 * Reads orama.yaml and every function.yaml. Throws for the first error before anything is changed.
 */
export async function openProject(root: string, stageName: string | undefined): Promise<Project> {
  const file = readProjectFile(root);
  const environment = environmentAt(root);
  const stage = stageName === undefined ? undefined : stageOf(file, stageName, environment);
  const directories = await functionDirectories(root, file);
  const functions = directories.map((directory) => {
    const path = relative(process.cwd(), directory) || '.';
    const manifest = readManifest(path, stage ?? { name: '', env: {} });
    return { name: manifest.settings.name, directory: path, manifest };
  });
  functions.sort((a, b) => (a.name < b.name ? -1 : 1));
  assertOwnNames(functions);
  return { root, stage, environment, functions };
}

/** Returns the functions selected by name or directory, or all if none is named. */
export function chosenFunctions(project: Project, names: readonly string[]): readonly ProjectFunction[] {
  if (names.length === 0) return project.functions;
  for (const name of names) {
    if (project.functions.some((one) => isNamed(one, name))) continue;
    const known = project.functions.map((one) => one.name);
    const near = suggest(name, known);
    const next = near === undefined ? `the functions are ${known.join(', ')}` : `did you mean "${near}"?`;
    throw new AppError('invalid_request', `This project has no function "${name}"; ${next}`);
  }
  return project.functions.filter((one) => names.some((name) => isNamed(one, name)));
}

/**
 * Returns the connection of the stage. Flags take precedence; the key of a stage may be in
 * ORAMA_API_KEY_<STAGE>.
 */
export function connectionOf({ stage, environment, root }: Project, flags: ConnectionFlags): Settings {
  if (stage === undefined) return resolveSettings(flags, environment, root);
  const ownKey = `ORAMA_API_KEY_${stage.name.toUpperCase().replaceAll('-', '_')}`;
  const apiKey = flags.apiKey ?? environment[ownKey];
  return resolveSettings(
    {
      ...(stage.url === undefined ? {} : { url: stage.url }),
      ...(stage.namespace === undefined ? {} : { namespace: stage.namespace }),
      ...flags,
      ...(apiKey === undefined ? {} : { apiKey }),
    },
    environment,
    root,
  );
}

/** Returns the default stage of `orama dev`: the stage named `dev`, if it exists. */
export function devStage(root: string): string | undefined {
  return stageNames(root).find((name) => name === 'dev');
}

/** Returns the names of the stages in the directory's orama.yaml. */
export function stageNames(root: string): readonly string[] {
  return readProjectFile(root).stages;
}

function readProjectFile(root: string): ProjectFile {
  return parseProject(readFileSync(join(root, PROJECT_FILE), 'utf8'));
}

function stageOf(file: ProjectFile, name: string, environment: Environment): Stage {
  const stage = file.stage(name, environment);
  if (stage !== undefined) return stage;
  const known = file.stages.length === 0 ? 'it has none' : `it has ${file.stages.join(', ')}`;
  throw new AppError('invalid_request', `${PROJECT_FILE} has no stage "${name}"; ${known}`);
}

/** Returns the directories with a function.yaml that match the project's patterns. */
export async function functionDirectories(
  root: string,
  { functions: patterns }: Pick<ProjectFile, 'functions'> = readProjectFile(root),
): Promise<string[]> {
  // Imported lazily: only project commands need it.
  const { glob } = await import('tinyglobby');
  const files = await glob(
    patterns.map((pattern) => `${pattern.replace(/\/+$/, '')}/${MANIFEST_FILE}`),
    { cwd: root, absolute: true, ignore: ['**/node_modules/**'] },
  );
  if (files.length > 0) return files.map((file) => dirname(file));
  const sentence = `${PROJECT_FILE}: functions finds no directory with a ${MANIFEST_FILE}: ${patterns.join(', ')}`;
  throw new AppError('invalid_manifest', sentence);
}

function assertOwnNames(functions: readonly ProjectFunction[]): void {
  for (const [at, { name, directory }] of functions.entries()) {
    const next = functions[at + 1];
    if (next?.name !== name) continue;
    const sentence = `Two functions have the name "${name}": ${directory} and ${next.directory}; rename one`;
    throw new AppError('invalid_manifest', sentence);
  }
}

function isNamed({ name, directory }: ProjectFunction, wanted: string): boolean {
  return name === wanted || basename(resolve(directory)) === wanted || resolve(directory) === resolve(wanted);
}
