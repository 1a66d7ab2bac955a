import { journeys } from './journeys/all.js';
import { webAndWorker } from './served.js';

journeys(webAndWorker);
