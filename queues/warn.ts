/** Reports a fault that was handled internally and that no caller sees. */
export type Warn = (message: string, error: unknown) => void;
