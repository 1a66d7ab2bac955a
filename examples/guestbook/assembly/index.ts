import {
  dbExecute,
  dbQuery,
  exit,
  field,
  input,
  logger,
  output,
  quote,
} from '../../../sdk/assemblyscript/assembly/orama';

// Fired by what is published to guests:*, such as {"name":"Ada"}: writes the guest into the namespace's database.
const name = field(field(input(), 'data') || '{}', 'name') || '';
if (name == '') {
  logger.error('no name in the event');
  // 64–78 refuse a retry: bad input stays bad.
  exit(65);
}

dbExecute('CREATE TABLE IF NOT EXISTS guests (id INTEGER PRIMARY KEY, name TEXT NOT NULL)');
if (dbExecute('INSERT INTO guests (name) VALUES (?)', '[' + quote(name) + ']') != 1) exit(1);

const rows = dbQuery('SELECT count(*) AS guests FROM guests');
logger.info(name + ' signed; guests so far: ' + (rows || '?'));
output('{"signed":' + quote(name) + '}');
