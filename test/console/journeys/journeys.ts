import type { BrowserTest } from '../../helpers/browser-test.js';
import type { Scene } from '../scene.js';
import type { Served } from '../served.js';

/** Shared by the journeys of a file: one browser, and one engine with a populated namespace. */
export interface Journeys {
  browserSays: BrowserTest;
  lived(): Promise<Served & { scene: Scene }>;
}
