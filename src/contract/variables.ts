import { AppError } from '../errors.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** `${NAME}`, `${NAME:-else}`; `$${` is a dollar sign and a brace. */
const VARIABLE = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * The value with the variables in its strings replaced. After the file was parsed, so that no value
 * of a variable can be read as YAML. Throws `bad_config` for a variable that is not set.
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
    // Empty is how shells and compose files say "unset".
    const found = variables[name] || otherwise;
    if (found !== undefined) return found;
    const sentence = `${where} needs the variable ${name}, which is not set; set it in the environment or in .env`;
    throw new AppError('bad_config', sentence);
  });
}
