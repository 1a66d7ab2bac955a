import { fieldsOf, INNER_NAMES } from './fields.mjs';

const WORDS = { id: 'ID', url: 'URL', ms: 'MS', sql: 'SQL' };

/** Generates the structs of an invocation, and a constant per error code. */
export function goShapes(invocation, codes) {
  const structs = [];
  const write = (name, about, schema) => {
    const rows = fieldsOf(schema).map((field) => {
      const type = typeOf(field, (inner, innerName) => write(innerName, ABOUT[innerName], inner));
      return [goName(field.name), type, `\`json:"${field.name}"\``];
    });
    structs.push(`// ${name} ${about}\ntype ${name} struct {\n${aligned(rows)}}\n`);
  };
  write('Invocation', 'is an invocation as returned by the API.', invocation);
  const constants = codes.map((code) => [`Code${goName(code)}`, 'ErrorCode', `= "${code}"`]);
  return `// Code generated from the OpenAPI document by "npm run clients"; DO NOT EDIT.

package oramaclient

${structs.reverse().join('\n')}
// The codes of errors. CodeUnreachable is set by the client if there is no response.
const (
${aligned([...constants, ['CodeUnreachable', 'ErrorCode', '= "unreachable"']])})
`;
}

const ABOUT = {
  Attempt: 'is an attempt of an invocation.',
  Callback: 'is the delivery status of a callback.',
};

function typeOf({ name, schema, isOptional }, inner) {
  const innerName = INNER_NAMES[name];
  if (schema.type === 'array') {
    inner(schema.items, innerName);
    return `[]${innerName}`;
  }
  if (schema.type === 'object') inner(schema, innerName);
  const plain = { string: 'string', integer: 'int64', number: 'float64', object: innerName }[schema.type];
  if (plain === undefined)
    throw new Error(`${name} has the type ${schema.type}, which is not mapped to a Go type`);
  return isOptional ? `*${plain}` : plain;
}

function goName(name) {
  return name
    .split('_')
    .map((word) => WORDS[word] ?? word[0].toUpperCase() + word.slice(1))
    .join('');
}

/** Aligns columns as gofmt does. */
function aligned(rows) {
  const [first, second] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(([a, b, c]) => `\t${a.padEnd(first)} ${b.padEnd(second)} ${c}\n`).join('');
}
