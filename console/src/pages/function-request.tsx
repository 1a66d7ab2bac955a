import { useState } from 'preact/hooks';
import { MAX_INPUT_BYTES } from '../../../src/contract/limits.js';
import { call } from '../api/request.js';
import { session } from '../api/session.js';
import { INVOCATION_SILENCE_MS } from '../api/timed-fetch.js';
import { CURL_KEY, curlBody } from '../curl.js';
import { Choice } from '../parts/choice.js';
import { CodeField } from '../parts/code-field.js';
import { CopyButton } from '../parts/copy-button.js';
import { Field, Form } from '../parts/form.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { brief, shellWord, tooLong, visible } from '../text.js';
import type { AliasesReply, HttpReply, SettingsReply, StatusReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { HttpReplyView } from './http-reply.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const METHOD_CHOICES = METHODS.map((method) => [method, method] as const);
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS']);
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/;

/**
 * Composes a request to an HTTP function and sends it through the API, because functions have a
 * different origin and the content security policy allows connections only to the console's own.
 */
export function FunctionRequest({ name }: { name: string }) {
  const namespace = session()?.namespace ?? '';
  const status = useResource('status', (signal) => call<StatusReply>('GET', '/v1/status', { signal }));
  return (
    <ResourceView of={status} what="the address of HTTP functions">
      {({ functions_url: base }) => <Builder base={addressOf(base, namespace)} name={name} />}
    </ResourceView>
  );
}

function addressOf(functionsUrl: string, namespace: string): string {
  return functionsUrl.includes('{namespace}')
    ? functionsUrl.replace('{namespace}', namespace)
    : `${functionsUrl}/${namespace}`;
}

/** Encodes characters that are not allowed in a request line, but not percent signs. */
function encoded(text: string): string {
  return text.replace(/[^\x21-\x22\x24-\x7e]+/g, (part) => encodeURIComponent(part));
}

interface Parsed {
  headers: [name: string, value: string][];
  /** The first line that is not a header. */
  wrong: string | undefined;
}

function parseHeaders(text: string): Parsed {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const headers = lines.flatMap((line): [string, string][] => {
    const [, name, value] = HEADER.exec(line.trim()) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  });
  return { headers, wrong: lines.find((line) => !HEADER.test(line.trim())) };
}

/** Groups headers by name. A repeated header is sent repeatedly. */
function grouped(headers: Parsed['headers']): Record<string, string[]> {
  // In a plain object, `constructor` would already have a value.
  const groups = new Map<string, string[]>();
  for (const [name, value] of headers) groups.set(name, [...(groups.get(name) ?? []), value]);
  return Object.fromEntries(groups);
}

function Builder({ base, name }: { base: string; name: string }) {
  const [method, setMethod] = useState('GET');
  const [path, setPath] = useState(`/${name}`);
  const [query, setQuery] = useState('');
  const [headerText, setHeaderText] = useState('');
  const [body, setBody] = useState('');
  const [isAnonymous, setIsAnonymous] = useState(false);
  const [reply, setReply] = useState<HttpReply | null>(null);

  const { headers, wrong } = parseHeaders(headerText);
  const full = encoded((path.startsWith('/') ? path : `/${path}`) + (query === '' ? '' : `?${query}`));
  const hasBody = !BODILESS.has(method) && body !== '';
  const problem = hasBody ? tooLong(body, MAX_INPUT_BYTES) : undefined;
  const curl = [
    // With `-X HEAD`, curl would wait for a body.
    `curl ${method === 'HEAD' ? '-I' : `-i -X ${method}`} ${shellWord(base + full)}`,
    ...(isAnonymous ? [] : [CURL_KEY]),
    ...headers.map(([header, value]) => `-H ${shellWord(`${header}: ${value}`)}`),
    ...(hasBody ? [curlBody(body)] : []),
  ].join(' \\\n  ');
  const send = async () => {
    setReply(null);
    const json = {
      method,
      path: full,
      headers: grouped(headers),
      anonymous: isAnonymous,
      ...(hasBody ? { body } : {}),
    };
    setReply(await call<HttpReply>('POST', '/v1/http-requests', { json, silenceMs: INVOCATION_SILENCE_MS }));
  };

  return (
    <div class="halves">
      <Panel
        title="Request"
        aside={<CopyButton text={curl} what="the request as a curl command" label="Copy as curl" />}
      >
        <Routes
          name={name}
          onChoose={(nextMethod, nextPath) => {
            setMethod(nextMethod);
            setPath(nextPath);
          }}
        />
        <Form
          label="HTTP request"
          submit="Send"
          disabled={wrong !== undefined || problem !== undefined}
          onSubmit={send}
        >
          <div class="row">
            <Choice
              label="Method"
              labelPosition="field"
              value={method}
              options={METHOD_CHOICES}
              onChange={setMethod}
            />
            <TextField label="Path" value={path} onChange={setPath} />
            <TextField label="Query" placeholder="page=1&sort=name" value={query} onChange={setQuery} />
          </div>
          <p class="hint">
            At <code>{brief(base)}</code>, through the engine.
          </p>
          <Field
            label="Headers"
            hint={
              wrong === undefined ? 'One a line: X-Test: yes' : `Not a header: ${visible(wrong.slice(0, 80))}`
            }
          >
            {(attributes) => (
              <textarea
                {...attributes}
                class="code"
                rows={3}
                spellcheck={false}
                value={headerText}
                onInput={(event) => setHeaderText(event.currentTarget.value)}
              />
            )}
          </Field>
          {!BODILESS.has(method) && (
            <CodeField
              label="Body"
              problem={problem}
              language="json"
              rows={6}
              value={body}
              onChange={setBody}
            />
          )}
          <label class="check">
            <input
              type="checkbox"
              checked={isAnonymous}
              onChange={(event) => setIsAnonymous(event.currentTarget.checked)}
            />
            Send it without a credential, as an anonymous caller
          </label>
        </Form>
      </Panel>
      <Panel title="Reply">
        {reply === null ? (
          <p class="faint">Nothing has been sent from here yet.</p>
        ) : (
          <HttpReplyView of={reply} name={`${name}-reply`} />
        )}
      </Panel>
    </div>
  );
}

interface TextFieldProps {
  label: string;
  hint?: string;
  placeholder?: string;
  value: string;
  onChange(value: string): void;
}

function TextField({ label, hint, placeholder = '', value, onChange }: TextFieldProps) {
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })}>
      {(attributes) => (
        <input
          {...attributes}
          spellcheck={false}
          placeholder={placeholder}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface RoutesProps {
  name: string;
  onChoose(method: string, path: string): void;
}

/**
 * Offers the routes of the live version. Users who may not read its settings enter the path
 * manually.
 */
function Routes({ name, onChoose }: RoutesProps) {
  const path = `/v1/functions/${encodeURIComponent(name)}`;
  const settings = useResource(`${path} serving`, async (signal) => {
    const { aliases } = await call<AliasesReply>('GET', `${path}/aliases`, { signal });
    const version = aliases.find(({ alias }) => alias === 'live')?.version;
    return call<SettingsReply>('GET', `${path}/settings`, { query: { version }, signal });
  });
  if (settings.data === undefined) return null;
  const { http } = settings.data.settings.metadata;
  if (http === undefined) {
    return (
      <p class="notice warn">
        Version {settings.data.version}, which answers now, is no HTTP function: it has no <code>http:</code>{' '}
        in its function.yaml, and this address does not exist.
      </p>
    );
  }
  if (http.routes.length === 0) return null;
  return (
    <ul class="chips" aria-label="Routes">
      {http.routes.map((route) => (
        <li key={route}>
          <button
            type="button"
            onClick={() => {
              const [method = 'GET', pattern = '/'] = route.split(' ');
              onChoose(method, pattern);
            }}
          >
            {brief(route, 80)}
          </button>
        </li>
      ))}
    </ul>
  );
}
