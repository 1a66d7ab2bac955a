/** For the count and size of the callbacks of a namespace that wait. */
export const callbacksWaiting = `
create index callbacks_waiting on callbacks (namespace, created_at, bytes) where ended_at is null
`;
