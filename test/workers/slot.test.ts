import test from 'ava';
import {
  DATA_BYTES,
  type GuestJob,
  type JobResult,
  SHARED_BYTES,
  SLOT,
} from '../../workers/threads/protocol.js';
import { SharedLog } from '../../workers/threads/shared-log.js';
import {
  isAtOrBefore,
  nextGeneration,
  readJob,
  Slot,
  type SlotView,
  viewOf,
  writeResult,
} from '../../workers/threads/slot.js';
import { sameBytes } from '../helpers/same-bytes.js';

/** Returns both sides of a slot. */
function bothSides(): { own: Slot; view: SlotView } {
  const own = new Slot(0, new SharedArrayBuffer(SHARED_BYTES));
  return { own, view: viewOf(own.buffers) };
}
const job = (given: Partial<GuestJob> = {}): GuestJob => ({
  functionName: 'tested',
  requestId: 'id',
  callerWallet: '',
  env: {},
  httpRequest: '',
  input: new Uint8Array(0),
  ...given,
});
const result = (given: Partial<JobResult> = {}): JobResult => ({
  output: new Uint8Array(0),
  exitCode: 0,
  error: null,
  response: null,
  memoryPeakMb: 1.0625,
  durationMs: 0.25,
  warm: true,
  unstarted: false,
  ...given,
});
const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
const notPosted = () => {
  throw new Error('the output is in the slot');
};

test('a job with any text is read from a slot as it was written', (t) => {
  const odd = 'é € 𐍈 \u0000 " \\ \ud800';
  const given = job({
    callerWallet: odd,
    env: JSON.parse(`{"A": ${JSON.stringify(odd)}, "__proto__": "own"}`),
    input: bytes(3, 7),
  });
  const { own, view } = bothSides();
  t.true(own.fill(1, given));
  const taken = readJob(view);
  t.deepEqual({ ...taken, input: new Uint8Array(taken?.input ?? []) }, given);
  t.deepEqual(Object.keys(taken?.env ?? {}), ['A', '__proto__']);
});

test('a job too large for a slot is not written, and the next job contains nothing of it', (t) => {
  const { own, view } = bothSides();
  for (const large of [{ input: bytes(DATA_BYTES, 1) }, { env: { A: 'x'.repeat(DATA_BYTES) } }]) {
    t.false(own.fill(1, job(large)));
    t.is(readJob(view), null);
    t.true(own.fill(1, job({ input: bytes(2, 2) })));
    t.deepEqual([...(readJob(view)?.input ?? [])], [2, 2]);
  }
});

test('a result read from a slot contains nothing of an earlier job or result', (t) => {
  const { own, view } = bothSides();
  own.fill(1, job({ input: bytes(1000, 1) }));
  for (const given of [
    result({ output: bytes(DATA_BYTES, 2) }),
    result({ output: bytes(5, 3), exitCode: -1, warm: false }),
    result({ exitCode: null, error: 'trap: é', memoryPeakMb: 4096 }),
    result(),
  ]) {
    t.is(writeResult(view, given), null);
    t.deepEqual(own.result(notPosted), given);
  }
});

test('a run that is stopped before it begins has no log lines and no memory of an earlier run of its slot', (t) => {
  const { own } = bothSides();
  const { control, shared, logOffset: at } = own.buffers;
  const words = new Int32Array(control);
  const cursor = { words, committed: SLOT.logCommitted, pending: SLOT.logPending };
  const log = new SharedLog({ buffer: shared, at }, cursor);
  own.fill(1, job());
  log.begin();
  log.line('info', 'card 4111 of the victim');
  log.print('error', new TextEncoder().encode('an unfinished line'));
  Atomics.store(words, SLOT.pages, 48);
  const [line, rest] = [...own.logLines(), ...own.unfinishedLine()].map(({ message }) => message);
  t.deepEqual([line, rest, own.memoryMb], ['card 4111 of the victim', 'an unfinished line', 3]);

  own.fill(1, job());
  t.deepEqual([...own.logLines(), ...own.unfinishedLine()], []);
  t.is(own.memoryMb, 0);
});

test('a line that a stopped guest did not finish has the level of its stream', (t) => {
  const own = new Slot(0, new SharedArrayBuffer(SHARED_BYTES));
  const { control, shared, logOffset: at } = own.buffers;
  const words = new Int32Array(control);
  const log = new SharedLog(
    { buffer: shared, at },
    { words, committed: SLOT.logCommitted, pending: SLOT.logPending },
  );
  own.fill(1, job());
  for (const level of ['info', 'error'] as const) {
    log.begin();
    log.print(level, new TextEncoder().encode('half a li'));
    t.like(own.unfinishedLine()[0], { level, message: 'half a li' });
  }
});

test('an output read from a slot is a copy that the next job does not overwrite', (t) => {
  const { own, view } = bothSides();
  writeResult(view, result({ output: bytes(9, 1) }));
  const { output } = own.result(notPosted);
  own.fill(1, job({ input: bytes(100, 2) }));
  sameBytes(t, output, bytes(9, 1));
});

test('an output too large for a slot is taken from the posted message', (t) => {
  const { own, view } = bothSides();
  const posted = bytes(DATA_BYTES + 1, 4);
  const given = result({ output: posted, error: 'in the slot' });
  const rest = writeResult(view, given);
  t.deepEqual(rest, { output: posted, texts: null });
  t.deepEqual(
    own.result(() => rest ?? notPosted()),
    given,
  );
});

test('a result whose posted part is missing is an error and contains nothing of the slot', (t) => {
  const { own, view } = bothSides();
  own.fill(1, job({ input: bytes(30_000, 65) }));
  for (const given of [
    result({ output: bytes(DATA_BYTES + 1, 4), response: '{"status":200}' }),
    result({ error: '€'.repeat(4096), response: 'x'.repeat(DATA_BYTES) }),
  ]) {
    t.not(writeResult(view, given), null);
    t.deepEqual(
      own.result(() => null),
      result({ exitCode: null, error: "the function's thread failed: its output did not arrive" }),
    );
  }
});

test('an error and a response of any size are read as they were written, with any output', (t) => {
  const { own, view } = bothSides();
  // In JSON within JSON, each quote takes four bytes and each control character seven.
  const response = JSON.stringify({ status: 200, headers: { a: '"'.repeat(16_370), b: '\t'.repeat(3000) } });
  for (const error of [null, '\u0001'.repeat(4096), '€'.repeat(4096)]) {
    for (const output of [bytes(0, 0), bytes(1, 1), bytes(DATA_BYTES, 2)]) {
      const given = result({ error, response, output });
      const rest = writeResult(view, given);
      t.not(rest, null);
      t.deepEqual(
        own.result(() => rest ?? notPosted()),
        given,
      );
    }
  }
});

test('generations keep their order when they wrap around, and skip 0', (t) => {
  let generation = 2 ** 31 - 3;
  for (let n = 0; n < 6; n++) {
    const next = nextGeneration(generation);
    t.true(isAtOrBefore(generation, next));
    t.false(isAtOrBefore(next, generation));
    generation = next;
  }
  t.true(generation < 0);
  t.is(nextGeneration(-1), 1);
  t.true(isAtOrBefore(-1, 1));
  t.true(isAtOrBefore(1, 1));
});
