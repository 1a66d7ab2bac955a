import { useId } from 'preact/hooks';
import { call } from '../api/request.js';
import { label } from '../text.js';
import type { FunctionsReply } from '../types.js';
import { useResource } from '../use-resource.js';

interface ChoiceProps {
  label: string;
  /**
   * The position of the label: `inline` before the list, `field` above it, `hidden` for screen
   * readers only.
   */
  labelPosition?: 'inline' | 'field' | 'hidden';
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  onChange(value: string): void;
}

/** A select element with a label. */
export function Choice({ label, labelPosition = 'inline', value, options, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div class={labelPosition === 'field' ? 'field' : 'choice'}>
      <label for={id} class={labelPosition === 'hidden' ? 'visually-hidden' : ''}>
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface FunctionChoiceProps extends Omit<ChoiceProps, 'options' | 'label'> {
  all: string;
}

/**
 * A choice of one function of the namespace, or all. A selected function that no longer exists
 * stays in the list.
 */
export function FunctionChoice({ all, value, ...others }: FunctionChoiceProps) {
  const functions = useResource('functions', (signal) =>
    call<FunctionsReply>('GET', '/v1/functions', { signal }),
  );
  const names = new Set([...(functions.data?.functions.map(({ name }) => name) ?? []), value]);
  names.delete('');
  const options = [['', all] as const, ...[...names].map((name) => [name, label(name)] as const)];
  return <Choice label="Function" value={value} options={options} {...others} />;
}
