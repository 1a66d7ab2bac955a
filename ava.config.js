import { availableParallelism } from 'node:os';

/**
 * Files that mostly wait (for processes to start, for time to pass) begin first, so that they do so
 * beside others and none is left alone at the end.
 */
const LONG = ['model/', 'cluster/', 'e2e/', 'console/', 'http/'];

export default {
  files: ['test/**/*.test.ts'],
  typescript: {
    rewritePaths: { 'test/': 'dist/test/' },
    compile: false,
  },
  require: ['./dist/test/helpers/exit-when-done.js'],
  sortTestFiles: (a, b) => rank(a) - rank(b) || a.localeCompare(b),
  // One more than cores: much of what the tests do is waiting.
  concurrency: availableParallelism() + 1,
  timeout: '5m',
  workerThreads: false,
  failWithoutAssertions: true,
};

function rank(file) {
  const found = LONG.findIndex((folder) => file.includes(`/test/${folder}`));
  return found < 0 ? LONG.length : found;
}
