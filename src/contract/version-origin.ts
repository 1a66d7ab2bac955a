import * as z from 'zod';
import { show } from './show.js';

const MAX_MESSAGE_LENGTH = 500;

const notLine = (issue: { input?: unknown }) => `must be a line of text, not ${show(issue.input)}`;

export const versionMessageSchema = z
  .string()
  .max(MAX_MESSAGE_LENGTH, { error: `must have at most ${MAX_MESSAGE_LENGTH} characters`, abort: true })
  .regex(/^[^\p{Cc}]+$/u, { error: notLine, abort: true })
  .regex(/\S/, { error: notLine });

/** `-dirty`: the sources had uncommitted changes. */
export const gitCommitSchema = z.string().regex(/^[0-9a-f]{7,64}(-dirty)?$/, {
  error: (issue) =>
    `must be a commit of git, 7 to 64 hexadecimal digits and -dirty where sources had changed, not ${show(issue.input)}`,
});

/** Origin of a version, as given by the deployer. */
export interface VersionOrigin {
  message: string | null;
  git_commit: string | null;
}

export const NO_ORIGIN: VersionOrigin = { message: null, git_commit: null };
