import type { Route } from './route.js';
import * as functions from './routes/functions.js';
import * as invoke from './routes/invoke.js';
import * as keys from './routes/keys.js';
import * as logs from './routes/logs.js';
import * as meta from './routes/meta.js';
import * as pubsub from './routes/pubsub.js';
import * as secrets from './routes/secrets.js';
import * as triggers from './routes/triggers.js';

/** Every endpoint. The first that matches serves, so what is hot comes first, and `secrets` before `{name}`. */
export const routes: readonly Route[] = [
  invoke,
  pubsub,
  secrets,
  functions,
  triggers,
  logs,
  keys,
  meta,
].flatMap((group): Route[] => Object.values(group));
