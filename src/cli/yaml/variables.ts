import { AppError } from '../../errors.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** `${NAME}` or `${NAME:-default}`; `$${` is an escaped `${`. */
const VARIABLE = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Substitutes the variables in all strings of a parsed value; since this happens after parsing,
 * values of variables are never interpreted as YAML. Throws `bad_config` for a variable that is not
 * set.
 */
export function fillIn(value: unknown, variables: Variables, where: string): unknown {
  if (typeof value === 'string') return fillText(value, variables, where);
  if (Array.isArray(value)) return value.map((item, at) => fillIn(item, variables, `${where}[${at}]`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fillIn(inner, variables, `${where}.${key}`)]),
  );
}

function fillText(text: string, variables: Variables, where: string): string {
  return text.replace(VARIABLE, (_, escaped?: string, name?: string, otherwise?: string) => {
    if (escaped !== undefined || name === undefined) return '${';
    // Shells and compose files use an empty value for "unset".
    const found = variables[name] || otherwise;
    if (found !== undefined) return found;
    const sentence = `${where} needs the variable ${name}, which is not set; set it in the environment or in .env`;
    throw new AppError('bad_config', sentence);
  });
}
