/**
 * Returns the fields of an object schema: name, type without null, and whether the field may be
 * missing or null.
 */
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, given]) => {
    const all = (given.anyOf ?? [given]).flatMap((one) =>
      [one.type].flat().map((type) => ({ ...one, type })),
    );
    const options = all.filter(({ type }) => type !== 'null');
    if (options.length !== 1) throw new Error(`${name} has several types, which the clients do not support`);
    const isNullable = options.length !== all.length;
    return { name, schema: options[0], isOptional: isNullable || !required.has(name) };
  });
}

/** The names of objects within an invocation, by their keys. */
export const INNER_NAMES = { attempts: 'Attempt', callback: 'Callback' };
