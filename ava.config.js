export default {
  files: ['test/**/*.test.ts'],
  typescript: {
    rewritePaths: { 'test/': 'dist/test/' },
    compile: false,
  },
  timeout: '5m',
  workerThreads: false,
  failWithoutAssertions: true,
};
