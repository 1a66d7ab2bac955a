import pMap from 'p-map';
import { AppError, messageOf } from '../../errors.js';

/**
 * Runs `work` for each item with limited concurrency and waits for all of them. If several fail,
 * throws one error that contains every message, so that a user can fix them together; a single
 * failure is thrown unchanged.
 */
export async function mapCollectingErrors<T extends { name: string }>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const failures: { name: string; error: unknown }[] = [];
  const runOne = async (item: T) => {
    try {
      await work(item);
    } catch (error) {
      failures.push({ name: item.name, error });
    }
  };
  await pMap(items, runOne, { concurrency });
  const [first] = failures;
  if (first === undefined) return;
  const sentences = failures
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, error }) => `${name}: ${messageOf(error)}`);
  const code = first.error instanceof AppError ? first.error.code : 'internal';
  throw new AppError(code, sentences.join('\n'), { cause: first.error });
}
