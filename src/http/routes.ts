import type { Route } from './route.js';
import * as aliases from './routes/aliases.js';
import * as audit from './routes/audit.js';
import * as auth from './routes/auth.js';
import * as cache from './routes/cache.js';
import * as consoleSignIn from './routes/console.js';
import { docsRoutes } from './routes/docs.js';
import * as find from './routes/find.js';
import * as functions from './routes/functions.js';
import * as httpRequests from './routes/http-requests.js';
import * as invocations from './routes/invocations.js';
import * as invoke from './routes/invoke.js';
import * as keys from './routes/keys.js';
import * as logs from './routes/logs.js';
import * as meta from './routes/meta.js';
import * as namespaces from './routes/namespaces.js';
import * as network from './routes/network.js';
import * as pubsub from './routes/pubsub.js';
import * as replay from './routes/replay.js';
import * as rollouts from './routes/rollouts.js';
import * as rqlite from './routes/rqlite.js';
import * as secrets from './routes/secrets.js';
import * as sockets from './routes/sockets.js';
import * as stats from './routes/stats.js';
import * as storage from './routes/storage.js';
import * as triggers from './routes/triggers.js';

/** The first matching route is used, so hot routes come first, and `secrets` before `{name}`. */
const endpoints: readonly Route[] = [
  invoke,
  httpRequests,
  pubsub,
  secrets,
  functions,
  aliases,
  rollouts,
  triggers,
  logs,
  invocations,
  replay,
  stats,
  keys,
  audit,
  namespaces,
  auth,
  consoleSignIn,
  rqlite,
  find,
  cache,
  storage,
  network,
  sockets,
  meta,
].flatMap((group): Route[] => Object.values(group));

/** All endpoints, including the two that describe them. */
export const routes: readonly Route[] = [...endpoints, ...docsRoutes(endpoints)];
