import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, Pool } from 'undici';
import { type AllowList, type Target, targetOf } from './allow.js';
import { allowedAddresses, checkAddresses, type Resolve } from './rules.js';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connections that go to the very addresses that were checked: the check is the lookup of the connection, so there
 * is no second answer of the name server that could differ. A connection kept alive has been checked when it was made.
 */
export function createPinnedAgent(allow: AllowList, resolve: Resolve): Agent {
  return new Agent({
    factory: (origin) => {
      const target = targetOf(new URL(origin));
      // An address in the URL itself is connected to without a lookup.
      if (isIP(target.host) !== 0) checkAddresses(target, [target.host], allow);
      const lookup = checkedLookup(target, allow, resolve);
      return new Pool(origin, { connect: buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup }) });
    },
  });
}

function checkedLookup(target: Target, allow: AllowList, resolve: Resolve): LookupFunction {
  return (_host, options, callback) => {
    allowedAddresses(target, allow, resolve).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = found;
        if (options.all || first === undefined) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}
