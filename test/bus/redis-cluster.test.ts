import test from 'ava';
import { openBus } from '../../src/bus/open.js';
import { busConformance } from '../conformance/bus.js';
import { startRedisCluster } from '../helpers/redis-cluster.js';

const cluster = await startRedisCluster();
test.after.always(() => cluster.close());

// The two processes use different nodes, which forward messages to each other.
let opened = 0;
const open = () => {
  const url = cluster.urls[opened % cluster.urls.length] ?? '';
  opened += 1;
  return openBus({ driver: 'redis', url });
};
busConformance('redis', open, { oneServer: false });
