/** Thrown when a module cannot be started from a snapshot; it then runs as fresh. */
export class SnapshotRefused extends Error {}
