import { useEffect, useRef, useState } from 'preact/hooks';
import { send } from '../api/send.js';
import { INVOCATION_SILENCE_MS } from '../api/timed-fetch.js';
import { Choice } from '../parts/choice.js';
import { CodeField } from '../parts/code-field.js';
import { Dialog } from '../parts/dialog.js';
import { Field, Form } from '../parts/form.js';
import { visible } from '../text.js';
import type { Operation, Parameter } from './operations.js';
import { TryReply } from './try-reply.js';

/** A form that sends the operation with the current credential and shows the response. */
export function Try({ operation }: { operation: Operation }) {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [body, setBody] = useState(() => exampleOf(operation));
  const [file, setFile] = useState<File | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const [response, setResponse] = useState<Response | null>(null);
  const control = useRef(new AbortController());
  useEffect(() => () => control.current.abort(), []);

  const address = addressOf(operation, values);
  const missing = operation.parameters.find((each) => each.required && !values[keyOf(each)]);
  const call = async () => {
    setResponse(null);
    // Aborts the previous response, which may be an endless stream.
    control.current.abort();
    control.current = new AbortController();
    const { signal } = control.current;
    const next = await send(operation.method, address, {
      ...contentOf(operation, body, file),
      headers: headersOf(operation, values),
      signal,
      // The operation may be one that runs a function.
      silenceMs: INVOCATION_SILENCE_MS,
      // The operation may be one that refuses another credential, such as a refresh token.
      keepsSession: true,
    });
    // The dialog stays open until here, because it shows why the request could not be sent.
    setIsAsking(false);
    setResponse(next);
  };
  const submit = operation.method === 'DELETE' ? 'Send…' : 'Send';
  return (
    <>
      <h3>Try it</h3>
      <Form
        label={`Try ${operation.operationId}`}
        submit={submit}
        disabled={missing !== undefined}
        onSubmit={async () => {
          if (operation.method === 'DELETE') setIsAsking(true);
          else await call();
        }}
      >
        {operation.parameters.length > 0 && (
          <div class="row">
            {operation.parameters.map((parameter) => (
              <ParameterField
                key={keyOf(parameter)}
                of={parameter}
                value={values[keyOf(parameter)] ?? ''}
                onChange={(value) => setValues({ ...values, [keyOf(parameter)]: value })}
              />
            ))}
          </div>
        )}
        {fileFieldOf(operation) !== undefined && (
          <Field label={`File: ${fileFieldOf(operation)}`}>
            {(attributes) => (
              <input
                {...attributes}
                type="file"
                onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
              />
            )}
          </Field>
        )}
        {operation.requestBody && (
          <CodeField
            label={fileFieldOf(operation) === undefined ? 'Body' : 'Fields'}
            language="json"
            rows={6}
            value={body}
            onChange={setBody}
          />
        )}
      </Form>
      {isAsking && (
        <Confirm
          what={`${operation.method} ${address}`}
          onClose={() => setIsAsking(false)}
          onSend={() => call()}
        />
      )}
      {response && (
        <TryReply of={response} name={operation.operationId} stop={() => control.current.abort()} />
      )}
    </>
  );
}

interface ConfirmProps {
  what: string;
  onClose(): void;
  onSend(): Promise<void>;
}

function Confirm({ what, onClose, onSend }: ConfirmProps) {
  return (
    <Dialog title="Send this?" onClose={onClose}>
      <p>
        <code>{visible(what)}</code> deletes what it names, in your namespace.
      </p>
      <Form
        label="Send it"
        submit="Delete it"
        onSubmit={onSend}
        buttons={
          <button type="button" onClick={onClose}>
            Close
          </button>
        }
      />
    </Dialog>
  );
}

interface ParameterFieldProps {
  of: Parameter;
  value: string;
  onChange(value: string): void;
}

function ParameterField({ of: parameter, value, onChange }: ParameterFieldProps) {
  const label = parameter.required ? `${parameter.name} (required)` : parameter.name;
  const choices = parameter.schema.type === 'boolean' ? ['true', 'false'] : parameter.schema.enum;
  if (choices !== undefined) {
    return (
      <Choice
        label={label}
        labelPosition="field"
        value={value}
        options={[['', ''], ...choices.map((each) => [each, each] as const)]}
        onChange={onChange}
      />
    );
  }
  return (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          size={18}
          spellcheck={false}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function keyOf(parameter: Parameter): string {
  return `${parameter.in} ${parameter.name}`;
}

function addressOf({ path, parameters }: Operation, values: Readonly<Record<string, string>>): string {
  const filled = path.replace(/\{(\w+)\}/g, (place, name: string) =>
    values[`path ${name}`] ? encodeURIComponent(values[`path ${name}`] ?? '') : place,
  );
  const query = new URLSearchParams();
  for (const parameter of parameters) {
    const value = values[keyOf(parameter)] ?? '';
    if (parameter.in === 'query' && value !== '') query.set(parameter.name, value);
  }
  return query.size === 0 ? filled : `${filled}?${query}`;
}

function headersOf({ parameters, requestBody }: Operation, values: Readonly<Record<string, string>>) {
  const headers: Record<string, string> = {};
  for (const parameter of parameters) {
    const value = values[keyOf(parameter)] ?? '';
    if (parameter.in === 'header' && value !== '') headers[parameter.name] = value;
  }
  if (requestBody && 'application/json' in requestBody.content) headers['Content-Type'] = 'application/json';
  return headers;
}

/** Returns the name of the file field if the operation accepts multipart/form-data. */
function fileFieldOf({ requestBody }: Operation): string | undefined {
  const properties = requestBody?.content['multipart/form-data']?.schema?.properties ?? {};
  return Object.entries(properties).find(([, schema]) => schema.contentMediaType !== undefined)?.[0];
}

function exampleOf({ requestBody }: Operation): string {
  const example = Object.values(requestBody?.content ?? {})[0]?.example;
  return example === undefined ? '' : JSON.stringify(example, null, 2);
}

function contentOf(operation: Operation, body: string, file: File | null): { body?: BodyInit } {
  if (!operation.requestBody) return {};
  const fileField = fileFieldOf(operation);
  if (fileField === undefined) return { body };
  if (file === null) throw new Error(`Choose a file for ${fileField}.`);
  const form = new FormData();
  for (const [name, value] of Object.entries(JSON.parse(body) as Record<string, unknown>)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  form.set(fileField, file);
  return { body: form };
}
