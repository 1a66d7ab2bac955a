import { journeys } from './journeys/all.js';
import { embedded } from './served.js';

journeys(embedded);
