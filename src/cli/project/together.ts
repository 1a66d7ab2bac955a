import pMap from 'p-map';
import { AppError, messageOf } from '../../errors.js';

/**
 * Does something for each function, some at once, to the end of all; then throws when any failed.
 * One failure is thrown as it is, several as one error that says each: a person mends them in one
 * go.
 */
export async function togetherOrAllFailures<T extends { name: string }>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const failures: { name: string; error: unknown }[] = [];
  const attempt = async (item: T) => {
    try {
      await work(item);
    } catch (error) {
      failures.push({ name: item.name, error });
    }
  };
  await pMap(items, attempt, { concurrency });
  const [first] = failures;
  if (first === undefined) return;
  const sentences = failures
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, error }) => `${name}: ${messageOf(error)}`);
  const code = first.error instanceof AppError ? first.error.code : 'internal';
  throw new AppError(code, sentences.join('\n'), { cause: first.error });
}
