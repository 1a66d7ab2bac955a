import { useState } from 'preact/hooks';
import { request } from '../api/request.js';
import { CodeField } from '../parts/code-field.js';
import { CopyButton } from '../parts/copy-button.js';
import { Field, Form } from '../parts/form.js';
import { Panel } from '../parts/page.js';
import { Payload } from '../parts/payload.js';
import { State } from '../parts/state.js';
import { Link, navigate } from '../router.js';
import { milliseconds, outputOf, shellWord } from '../text.js';

interface Outcome {
  id: string;
  state: string;
  durationMs: number | null;
  attempts: string;
  output: { text?: string; base64?: string };
}

/** Calls the function and shows what it answered. */
export function FunctionInvoke({ name }: { name: string }) {
  const [input, setInput] = useState('{}');
  const [version, setVersion] = useState('');
  const [isAsync, setIsAsync] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const path = `/v1/functions/${version === '' ? name : `${name}@${version}`}/invoke`;

  const invoke = async () => {
    setOutcome(null);
    const response = await request('POST', path, {
      body: input,
      headers: {
        // The bare bytes, whatever they are: the JSON envelope would change them.
        Accept: 'application/octet-stream',
        'Content-Type': 'application/octet-stream',
        ...(isAsync ? { Prefer: 'respond-async' } : {}),
      },
    });
    const id = response.headers.get('x-request-id') ?? '';
    if (response.status === 202) {
      const reply = (await response.json()) as { request_id: string };
      navigate(`/invocations/${reply.request_id}`);
      return;
    }
    const output = outputOf(new Uint8Array(await response.arrayBuffer()));
    const durationMs = Number(response.headers.get('x-duration-ms'));
    setOutcome({
      id,
      state: 'success',
      durationMs,
      attempts: response.headers.get('x-attempts') ?? '1',
      output,
    });
  };
  const curl = `curl -X POST ${location.origin}${path} \\\n  -H "X-API-Key: $ORAMA_API_KEY" \\\n  --data-binary ${shellWord(input)}`;

  return (
    <div class="halves">
      <Panel title="Input">
        <Form label={`Invoke ${name}`} submit="Invoke" onSubmit={invoke}>
          <CodeField
            label="Input"
            hint="The function's stdin; JSON by convention, at most 1 MB."
            language="json"
            rows={10}
            value={input}
            onChange={setInput}
          />
          <div class="row">
            <Field label="Version or alias">
              {(attributes) => (
                <input
                  {...attributes}
                  size={10}
                  placeholder="live or newest"
                  value={version}
                  onInput={(event) => setVersion(event.currentTarget.value)}
                />
              )}
            </Field>
            <label class="check">
              <input
                type="checkbox"
                checked={isAsync}
                onChange={(event) => setIsAsync(event.currentTarget.checked)}
              />
              Do not wait for the result
            </label>
            <CopyButton text={curl} what="this call as a curl command" label="Copy as curl" />
          </div>
        </Form>
      </Panel>
      <Panel title="Result">
        {outcome === null ? (
          <p class="faint">Nothing has been invoked from here yet.</p>
        ) : (
          <>
            <p role="status">
              <State of={outcome.state} /> in {milliseconds(outcome.durationMs)}, attempt {outcome.attempts} ·{' '}
              <Link to={`/invocations/${outcome.id}`}>show the invocation</Link>
            </p>
            <Payload
              label="Output"
              text={outcome.output.text}
              base64={outcome.output.base64}
              name={`${name}-output`}
            />
          </>
        )}
      </Panel>
    </div>
  );
}
