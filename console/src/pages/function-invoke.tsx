import { useState } from 'preact/hooks';
import { MAX_INPUT_BYTES } from '../../../src/contract/limits.js';
import { jsonOf } from '../api/error.js';
import { assertOk } from '../api/request.js';
import { send } from '../api/send.js';
import { INVOCATION_SILENCE_MS, INVOCATION_WAIT_SECONDS } from '../api/timed-fetch.js';
import { CURL_KEY, curlBody } from '../curl.js';
import { CodeField } from '../parts/code-field.js';
import { CopyButton } from '../parts/copy-button.js';
import { Field, Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { Panel } from '../parts/page.js';
import { Payload } from '../parts/payload.js';
import { State } from '../parts/state.js';
import { Link, useNavigate } from '../router.js';
import { milliseconds, outputOf, shellWord, tooLong, visible } from '../text.js';

interface Outcome {
  id: string;
  state: string;
  error: string | null;
  durationMs: number | null;
  attempts: string;
  output: { text?: string; base64?: string };
}

/** Invokes the function and shows its response. */
export function FunctionInvoke({ name }: { name: string }) {
  const navigate = useNavigate();
  const [input, setInput] = useState('{}');
  const [version, setVersion] = useState('');
  const [isAsync, setIsAsync] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const path = `/v1/functions/${encodeURIComponent(name)}${version === '' ? '' : `@${encodeURIComponent(version)}`}/invoke`;

  const problem = tooLong(input, MAX_INPUT_BYTES);

  const invoke = async () => {
    setOutcome(null);
    const response = await send('POST', path, {
      body: input,
      silenceMs: INVOCATION_SILENCE_MS,
      headers: {
        // Requests the raw output, because the JSON envelope would encode it.
        Accept: 'application/octet-stream',
        'Content-Type': 'application/octet-stream',
        Prefer: isAsync ? 'respond-async' : `wait=${INVOCATION_WAIT_SECONDS}`,
      },
    });
    const failed = response.ok ? null : await failureOf(response.clone());
    if (failed === null) await assertOk(response);
    if (response.status === 202) {
      const reply = await jsonOf<{ request_id: string }>(response);
      showMessage('done', `Runs as ${reply.request_id}.`);
      navigate(`/invocations/${reply.request_id}`);
      return;
    }
    const durationMs = Number(response.headers.get('x-duration-ms'));
    setOutcome({
      id: response.headers.get('x-request-id') ?? '',
      state: failed?.status ?? 'success',
      error: failed?.error ?? null,
      durationMs,
      attempts: response.headers.get('x-attempts') ?? '1',
      output: failed ?? outputOf(new Uint8Array(await response.arrayBuffer())),
    });
  };
  const curl = `curl -X POST ${shellWord(location.origin + path)} \\\n  ${CURL_KEY} \\\n  ${curlBody(input)}`;

  return (
    <div class="halves">
      <Panel title="Input">
        <Form label={`Invoke ${name}`} submit="Invoke" disabled={problem !== undefined} onSubmit={invoke}>
          <CodeField
            label="Input"
            hint="The function's stdin; JSON by convention, at most 1 MB."
            problem={problem}
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
          <OutcomeView of={outcome} name={name} />
        )}
      </Panel>
    </div>
  );
}

/** The state, error and output of an invocation. */
function OutcomeView({ of: outcome, name }: { of: Outcome; name: string }) {
  return (
    <>
      <p role="status">
        <State of={outcome.state} /> in {milliseconds(outcome.durationMs)}, attempt {outcome.attempts} ·{' '}
        <Link to={`/invocations/${outcome.id}`}>show the invocation</Link>
      </p>
      {outcome.error !== null && (
        <pre class="notice bad error-text">{visible(outcome.error.slice(0, 16_384))}</pre>
      )}
      <Payload
        label="Output"
        text={outcome.output.text}
        base64={outcome.output.base64}
        name={`${name}-output`}
      />
    </>
  );
}

interface Failed {
  status: 'error' | 'timeout';
  error: string;
  text?: string;
  base64?: string;
}

/** Returns the failure of an invocation; null if the request was rejected before it became one. */
async function failureOf(response: Response): Promise<Failed | null> {
  if (!response.headers.has('x-duration-ms')) return null;
  const reply = await jsonOf<Partial<Failed> & { output?: string; output_base64?: string }>(response);
  if ((reply.status !== 'error' && reply.status !== 'timeout') || reply.error === undefined) return null;
  return {
    status: reply.status,
    error: reply.error,
    ...(reply.output_base64 === undefined ? { text: reply.output ?? '' } : { base64: reply.output_base64 }),
  };
}
