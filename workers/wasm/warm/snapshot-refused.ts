/** Why a module cannot be started from a snapshot; it runs as fresh then. */
export class SnapshotRefused extends Error {}
