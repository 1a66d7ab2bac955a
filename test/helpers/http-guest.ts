import { goGuest } from './go-guest.js';

let built: Promise<Buffer> | undefined;

/** Builds the guest for the tests of HTTP functions; see test/fixtures/http-go/main.go. */
export function httpGuest(): Promise<Buffer> {
  built ??= goGuest('test/fixtures/http-go');
  return built;
}
