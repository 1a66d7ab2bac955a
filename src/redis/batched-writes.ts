import type { Redis } from 'ioredis';

/**
 * What is sent in one turn of the event loop leaves in one write, in its order: jobs are settled
 * and fetched in bursts, and a system call for each command was a tenth of what a worker's main
 * thread does.
 */
export function batchWrites(connection: Redis): void {
  connection.on('connect', () => {
    const { stream } = connection;
    const write = stream.write.bind(stream);
    let corked = false;
    const release = () => {
      corked = false;
      stream.uncork();
    };
    const writeSoon = (...args: Parameters<typeof write>) => {
      if (!corked) {
        corked = true;
        stream.cork();
        // Runs when all that is ready in this turn has run, promises included.
        process.nextTick(release);
      }
      return write(...args);
    };
    stream.write = writeSoon as typeof stream.write;
  });
}
