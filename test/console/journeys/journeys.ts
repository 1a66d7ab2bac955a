import type { BrowserTest } from '../../helpers/browser-test.js';
import type { Scene } from '../scene.js';
import type { Served } from '../served.js';

/** What the journeys of a file share: one browser, and one engine with a namespace that is lived in. */
export interface Journeys {
  browserSays: BrowserTest;
  lived(): Promise<Served & { scene: Scene }>;
}
