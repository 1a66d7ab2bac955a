/** Sizes and counts that the contract defines. 1 MB = 2^20 bytes. */
export const MB = 1 << 20;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const MAX_INPUT_BYTES = MB;
export const MAX_OUTPUT_BYTES = MB;
export const MAX_MODULE_BYTES = 32 * MB;
/** Maximum of `memory` in function.yaml. */
export const MAX_FUNCTION_MEMORY_MB = 256;

export const MAX_SECRET_BYTES = 64 << 10;

export const MAX_LOG_LINE_BYTES = 16 << 10;
export const MAX_LOG_LINES = 10_000;
export const MAX_LOG_BYTES = MB;

/** Messages, inputs and outputs of one page of a list of logs or invocations. */
export const MAX_PAGE_BYTES = 8 * MB;

export const MAX_HOST_CALLS = 10_000;
export const MAX_HOST_BYTES = 64 * MB;
export const MAX_HOST_RESULT_BYTES = 8 * MB;

/**
 * Maximum length of a text that a host call takes, except for SQL, which has a limit of its own.
 */
export const MAX_HOST_TEXT = 64 << 10;
/** Maximum length of the arguments of a statement as JSON. */
export const MAX_SQL_ARGS = 16 * MB;

/** Maximum TTL of a cache entry: ten years. */
export const MAX_TTL_SECONDS = 10 * 365 * 24 * 3600;

/** Maximum delay of an invocation's first attempt, and maximum age when it starts. */
export const MAX_DELAY_SECONDS = 7 * 24 * 3600;

/**
 * Requests of one invocation that are in flight or whose responses have not been read
 * (`http_start`).
 */
export const MAX_PARALLEL_FETCHES = 64;

export const WASM_PAGE_BYTES = 65_536;
export const WASM_PAGES_PER_MB = MB / WASM_PAGE_BYTES;

/** Maximum size of input and output in on_success and on_failure messages. */
export const MAX_OUTCOME_BODY_BYTES = 64 << 10;

/**
 * The input of a successful invocation is kept for a replay only up to this size; RATIONALE.md has
 * the measurement.
 */
export const MAX_KEPT_INPUT_BYTES = 1 << 10;

export const MAX_TRIGGER_DEPTH = 5;

/** Exit codes that prevent a retry (the range of sysexits.h). */
export const FINAL_EXIT_CODES = { min: 64, max: 78 } as const;

/** Number of worker crashes after which an invocation is dead. */
export const MAX_WORKER_CRASHES = 3;

/** Attempts of a callback until it is answered with a 2xx. */
export const MAX_CALLBACK_ATTEMPTS = 10;

/** Messages per batch. */
export const MAX_BATCH_MESSAGES = 1000;
/** Size of a batch in bytes, as much as is sent to the queue in one round trip. */
export const MAX_BATCH_BYTES = 8 * MB;
/**
 * Limits of one batch of messages: the number of jobs that it triggers, and their total input
 * bytes.
 */
export const MAX_GROUP_JOBS = 5000;
export const MAX_GROUP_BYTES = 32 * MB;
