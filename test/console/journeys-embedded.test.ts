import { journeys } from './journeys.js';
import { embedded } from './served.js';

journeys(embedded);
