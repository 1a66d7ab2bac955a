import { exit, getEnv, logger, output } from '../../../sdk/assemblyscript/assembly/orama';

// Fails twice and then succeeds, as a service does that is just starting. Any exit code but 0 is a failure; 64–78
// would refuse the retry.
const attempt = I32.parseInt(getEnv('ORAMA_ATTEMPT') || '1');
if (attempt < 3) {
  logger.warn('the service is not up yet');
  exit(1);
}
output('{"succeeded_at_attempt":' + attempt.toString() + '}');
