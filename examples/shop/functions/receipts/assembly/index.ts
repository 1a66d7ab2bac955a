import {
  dbExecute,
  exit,
  field,
  getEnv,
  getSecret,
  input,
  logger,
  output,
  quote,
} from '../../../../../sdk/assemblyscript/assembly/orama';

// Fired by orders:paid, such as {"order":"…"}: marks the order as paid, and would send the receipt.
const order = field(field(input(), 'data') || '{}', 'order') || '';
if (order == '') {
  logger.error('no order in the event');
  exit(65);
}
if (getSecret('MAIL_TOKEN') == null) {
  logger.error('the secret MAIL_TOKEN is not set');
  exit(1);
}
if (dbExecute('UPDATE orders SET paid = 1 WHERE id = ?', '[' + quote(order) + ']') != 1) exit(1);
logger.info('receipt of ' + order + ' from ' + (getEnv('SENDER') || 'nobody'));
output('{"sent":' + quote(order) + '}');
