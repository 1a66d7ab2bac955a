import fc from 'fast-check';

/** A step of a run. Steps on objects that do not exist are refused by the engine. */
export type Step =
  | { do: 'deploy'; retries: number }
  | { do: 'invoke'; how: 'sync' | 'async'; fails: boolean; slow: boolean }
  | { do: 'repeat'; key: number }
  | { do: 'publish'; nested: number }
  /**
   * `amid`: when the first of several calls has been answered, so that the others are in all
   * stages.
   */
  | { do: 'kill'; amid: boolean }
  | { do: 'restart' }
  | { do: 'replay' }
  | { do: 'cancel'; state: 'delayed' | 'queued' | 'running' }
  | { do: 'delete' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('invoke' as const),
      how: fc.constantFrom('sync' as const, 'async' as const),
      fails: fc.boolean(),
      slow: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('repeat' as const), key: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), nested: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deploy' as const), retries: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      state: fc.constantFrom('delayed' as const, 'queued' as const, 'running' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), amid: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const) }) },
);

export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 10, maxLength: 30 });
