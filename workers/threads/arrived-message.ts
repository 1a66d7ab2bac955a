import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/**
 * Returns the next message of a port. The caller has read the counter in shared memory that is
 * raised after posting, so the message has arrived.
 */
export function arrivedMessage(port: MessagePort): unknown {
  const received = receiveMessageOnPort(port);
  if (received === undefined) throw new Error('a posted message has not arrived');
  return received.message;
}

/**
 * Like `arrivedMessage`, for the messages of a thread that may have died: undefined without one.
 */
export function messageIfArrived(port: MessagePort): unknown {
  return receiveMessageOnPort(port)?.message;
}
