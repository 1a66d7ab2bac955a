/** What the thread that holds the database and its owner say to each other. */
export type ToDatabase =
  | { kind: 'query'; id: number; text: string; params: readonly unknown[] | undefined }
  | { kind: 'close'; id: number };

export type FromDatabase =
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }
  | { kind: 'result'; id: number; rows: unknown[]; rowCount: number }
  | { kind: 'error'; id: number; message: string; code: string | undefined; detail: string | undefined }
  | { kind: 'notification'; channel: string; payload: string }
  | { kind: 'closed'; id: number };
