import test from 'ava';
import { topicMatches } from '../../src/core/events/topics.js';

const cases: [pattern: string, topic: string, matches: boolean][] = [
  ['calls:invite', 'calls:invite', true],
  ['calls:invite', 'calls', false],
  ['calls:invite', 'calls:invite:now', false],
  ['calls:*', 'calls:invite', true],
  ['calls:*', 'calls', false],
  ['calls:*', 'calls:invite:now', false],
  ['*:invite', 'calls:invite', true],
  ['*', 'calls', true],
  ['*', 'calls:invite', false],
  ['calls:>', 'calls:invite', true],
  ['calls:>', 'calls:invite:now', true],
  ['calls:>', 'calls', false],
  ['>', 'anything:at:all', true],
  ['calls:>:x', 'calls:a:x', false],
  ['calls:in*', 'calls:invite', false],
  ['calls:*:end', 'calls:7:end', true],
];

for (const [pattern, topic, matches] of cases) {
  test(`the pattern ${pattern} ${matches ? 'matches' : 'does not match'} the topic ${topic}`, (t) => {
    t.is(topicMatches(pattern, topic), matches);
  });
}
