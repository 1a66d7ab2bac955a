/**
 * The fields of an object's schema: name, type without null, and whether it may be missing or null.
 */
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, given]) => {
    const all = (given.anyOf ?? [given]).flatMap((one) =>
      [one.type].flat().map((type) => ({ ...one, type })),
    );
    const options = all.filter(({ type }) => type !== 'null');
    if (options.length !== 1) throw new Error(`${name} has several types, which the clients cannot show`);
    const isNullable = options.length !== all.length;
    return { name, schema: options[0], isOptional: isNullable || !required.has(name) };
  });
}

/** The objects inside of an invocation, by the key that holds them. */
export const INNER_NAMES = { attempts: 'Attempt', callback: 'Callback' };
