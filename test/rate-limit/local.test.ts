import { openRateLimiter } from '../../src/rate-limit/open.js';
import { rateLimiterConformance } from '../conformance/rate-limiter.js';

rateLimiterConformance('local', () => openRateLimiter({ driver: 'local' }));
