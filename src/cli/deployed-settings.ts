import * as z from 'zod';
import type { FunctionSettings } from '../contract/function.js';
import { settingsReplySchema } from '../contract/http/functions.js';

/**
 * The settings of a deployed version, as the engine returns them. They are not validated: a version
 * may have been deployed when more was accepted, and it must be possible to compare and correct it.
 */
const deployedSettingsSchema = z.custom<FunctionSettings>(
  (value) => typeof value === 'object' && value !== null && 'metadata' in value,
  { error: 'must be the settings of a function' },
);

/** The reply of `GET /v1/functions/{name}/settings`. */
export const deployedVersionSchema = settingsReplySchema.extend({ settings: deployedSettingsSchema });
