import { browserTest } from '../../helpers/browser-test.js';
import { shared } from '../../helpers/shared.js';
import { populate } from '../scene.js';
import type { Served } from '../served.js';
import { deadLetters } from './dead-letters.js';
import { events } from './events.js';
import { functions } from './functions.js';
import { httpRequests } from './http-requests.js';
import { invocations } from './invocations.js';
import { secretsDataAndKeys } from './secrets-data-keys.js';
import { signingIn } from './signing-in.js';

/** The user journeys of the console, which share one engine. */
export function journeys(open: () => Promise<Served>): void {
  const lived = shared(async () => {
    const engine = await open();
    return { ...engine, scene: await populate(engine.api) };
  });
  const browserSays = browserTest(lived);
  for (const part of [
    signingIn,
    functions,
    httpRequests,
    invocations,
    deadLetters,
    events,
    secretsDataAndKeys,
  ])
    part({ browserSays, lived });
}
