import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AppError } from '../../errors.js';
import { fileReason } from '../../files/file-reason.js';
import { toolEnvironment } from '../config.js';

export interface ToolRun {
  command: string;
  args: readonly string[];
  directory: string;
  environment?: Readonly<Record<string, string>>;
  /** Runs the command in a shell; only for the `build` command of function.yaml. */
  shell?: boolean;
}

/** Runs a compiler and resolves with its stdout. Its stderr is reported only if it fails. */
export function runTool({
  command,
  args,
  directory,
  environment = {},
  shell = false,
}: ToolRun): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: directory,
      env: toolEnvironment(environment),
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (cause) => {
      reject(
        new AppError('build_failed', `Cannot run ${command} in ${directory}: ${fileReason(cause)}`, {
          cause,
        }),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve(Buffer.concat(stdout).toString());
        return;
      }
      const output = Buffer.concat(stderr).toString().trim() || Buffer.concat(stdout).toString().trim();
      const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
      const said = output === '' ? ' and printed nothing' : `:\n${output}`;
      reject(new AppError('build_failed', `${[command, ...args].join(' ')} ended with ${end}${said}`));
    });
  });
}

/** Returns the path of a program, or undefined if it is not on PATH. */
export function findTool(name: string): string | undefined {
  const path = toolEnvironment({}).PATH ?? '';
  return path
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
