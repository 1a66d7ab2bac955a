/** Sizes and counts that the contract fixes. 1 MB = 2^20 bytes. */
export const MB = 1 << 20;

export const MAX_INPUT_BYTES = MB;
export const MAX_OUTPUT_BYTES = MB;
export const MAX_MODULE_BYTES = 32 * MB;

export const MAX_LOG_LINE_BYTES = 16 << 10;
export const MAX_LOG_LINES = 10_000;
export const MAX_LOG_BYTES = MB;

export const MAX_HOST_CALLS = 10_000;
export const MAX_HOST_BYTES = 64 * MB;
export const MAX_HOST_RESULT_BYTES = 8 * MB;

/** Longest time that the first attempt of an invocation may be delayed, or wait for its turn. */
export const MAX_DELAY_SECONDS = 7 * 24 * 3600;

/**
 * Requests of one invocation that are in flight, or whose replies it has not taken (`http_start`).
 */
export const MAX_PARALLEL_FETCHES = 64;

export const WASM_PAGE_BYTES = 65_536;

/** Input and output travel in on_success/on_failure messages only up to this size. */
export const MAX_OUTCOME_BODY_BYTES = 64 << 10;

/**
 * Of an invocation that succeeded the input is kept for a replay only up to this size; RATIONALE.md
 * has the measure.
 */
export const MAX_KEPT_INPUT_BYTES = 1 << 10;

export const MAX_TRIGGER_DEPTH = 5;

/** Exit codes by which a function refuses to be retried (sysexits.h). */
export const FINAL_EXIT_CODES = { min: 64, max: 78 } as const;

/** The death of a worker under an invocation that makes the invocation dead. */
export const MAX_WORKER_CRASHES = 3;

/** Messages of one batch. */
export const MAX_BATCH_MESSAGES = 1000;
/** What a batch may come to beside: as much as goes to the queue in one round trip. */
export const MAX_BATCH_BYTES = 8 * MB;
/** Jobs that messages published together may fire, and the input bytes of all of these jobs. */
export const MAX_GROUP_JOBS = 5000;
export const MAX_GROUP_BYTES = 32 * MB;
