import { fieldsOf, INNER_NAMES } from './fields.mjs';

/** Generates the dataclasses of an invocation, and the error codes. */
export function pythonShapes(invocation, codes) {
  const classes = [];
  const write = (name, about, schema) => {
    const fields = fieldsOf(schema).map((field) =>
      describe(field, (inner, of) => write(of, ABOUT[of], inner)),
    );
    const declared = fields.map(({ name: key, type }) => `    ${key}: ${type}\n`).join('');
    const read = fields.map(({ name: key, value }) => `            ${key}=${value},\n`).join('');
    classes.push(`@dataclass(frozen=True)
class ${name}:
    """${about}"""

${declared}
    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "${name}":
        return cls(
${read}        )
`);
  };
  write('Invocation', 'An invocation as returned by the API.', invocation);
  return `# Generated from the OpenAPI document by "npm run clients"; do not edit.
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

${classes.map((text) => `\n${text}`).join('\n')}

ERROR_CODES = frozenset(
    {
${[...codes, 'unreachable'].map((code) => `        "${code}",\n`).join('')}    }
)
`;
}

const ABOUT = {
  Attempt: 'An attempt of an invocation.',
  Callback: 'Delivery status of a callback.',
};

function describe({ name, schema, isOptional }, inner) {
  const innerName = INNER_NAMES[name];
  if (schema.type === 'array') {
    inner(schema.items, innerName);
    return {
      name,
      type: `list[${innerName}]`,
      value: `[${innerName}.from_json(one) for one in value["${name}"]]`,
    };
  }
  if (schema.type === 'object') {
    inner(schema, innerName);
    const value = `${innerName}.from_json(value["${name}"]) if value.get("${name}") is not None else None`;
    return { name, type: `Optional[${innerName}]`, value };
  }
  const plain = { string: 'str', integer: 'int', number: 'float' }[schema.type];
  if (plain === undefined)
    throw new Error(`${name} has the type ${schema.type}, which is not mapped to a Python type`);
  return isOptional
    ? { name, type: `Optional[${plain}]`, value: `value.get("${name}")` }
    : { name, type: plain, value: `value["${name}"]` };
}
