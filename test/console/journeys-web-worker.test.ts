import { journeys } from './journeys.js';
import { webAndWorker } from './served.js';

journeys(webAndWorker);
