import { openPresence } from '../../src/presence/open.js';
import { presenceConformance } from '../conformance/presence.js';

presenceConformance('local', (leaseMs) => openPresence({ driver: 'local', leaseMs }));
