import { call } from '../api/request.js';
import type { FunctionsReply } from '../types.js';
import { useResource } from '../use-resource.js';

interface FunctionSelectProps {
  value: string;
  all: string;
  onChange(name: string): void;
}

/** The functions of the namespace; one that is chosen and no longer there stays in the list. */
export function FunctionSelect({ value, all, onChange }: FunctionSelectProps) {
  const functions = useResource('functions', (signal) =>
    call<FunctionsReply>('GET', '/v1/functions', { signal }),
  );
  const names = new Set([...(functions.data?.functions.map(({ name }) => name) ?? []), value]);
  names.delete('');
  return (
    <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">{all}</option>
      {[...names].map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface ChoiceProps {
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  onChange(value: string): void;
}

export function Choice({ value, options, onChange }: ChoiceProps) {
  return (
    <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map(([each, label]) => (
        <option key={each} value={each}>
          {label}
        </option>
      ))}
    </select>
  );
}
