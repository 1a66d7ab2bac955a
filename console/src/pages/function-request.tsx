import { useState } from 'preact/hooks';
import { call } from '../api/request.js';
import { CopyButton } from '../parts/copy-button.js';
import { Field } from '../parts/form.js';
import { Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { ScrollArea } from '../parts/scroll-area.js';
import { shellWord, visible } from '../text.js';
import type { FunctionRecord, StatusReply } from '../types.js';
import { useResource } from '../use-resource.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Puts together a request to an HTTP function. It is sent from a terminal or a tab of its own: functions have another
 * origin than the console, and this page may connect to its own alone.
 */
export function FunctionRequest({ of: record }: { of: FunctionRecord }) {
  const status = useResource('status', (signal) => call<StatusReply>('GET', '/v1/status', { signal }));
  return (
    <ResourceView of={status} what="the address of HTTP functions">
      {({ functions_url: base }) => <Builder base={addressOf(base, record.namespace)} name={record.name} />}
    </ResourceView>
  );
}

function addressOf(functionsUrl: string, namespace: string): string {
  return functionsUrl.includes('{namespace}')
    ? functionsUrl.replace('{namespace}', namespace)
    : `${functionsUrl}/${namespace}`;
}

function Builder({ base, name }: { base: string; name: string }) {
  const [method, setMethod] = useState('GET');
  const [path, setPath] = useState(`/${name}`);
  const [headers, setHeaders] = useState('');
  const [body, setBody] = useState('');
  const url = base + (path.startsWith('/') ? path : `/${path}`);
  const lines = headers.split('\n').filter((line) => line.trim() !== '');
  const wrong = lines.find((line) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line));
  const hasBody = !BODILESS.has(method) && body !== '';
  const curl = [
    `curl -i -X ${method} ${shellWord(url)}`,
    ...lines.map((line) => `-H ${shellWord(line.trim())}`),
    ...(hasBody ? [`--data-binary ${shellWord(body)}`] : []),
  ].join(' \\\n  ');

  return (
    <div class="halves">
      <Panel title="Request">
        <p class="faint">
          For functions with <code>http:</code> in their function.yaml; to others the address does not exist.
        </p>
        <div class="row">
          <Field label="Method">
            {(attributes) => (
              <select
                {...attributes}
                value={method}
                onChange={(event) => setMethod(event.currentTarget.value)}
              >
                {METHODS.map((each) => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Path and query">
            {(attributes) => (
              <input
                {...attributes}
                spellcheck={false}
                value={path}
                onInput={(event) => setPath(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        <Field
          label="Headers"
          hint={
            wrong === undefined ? 'One a line: X-Test: yes' : `Not a header: ${visible(wrong.slice(0, 80))}`
          }
        >
          {(attributes) => (
            <textarea
              {...attributes}
              rows={3}
              spellcheck={false}
              value={headers}
              onInput={(event) => setHeaders(event.currentTarget.value)}
            />
          )}
        </Field>
        {!BODILESS.has(method) && (
          <Field label="Body">
            {(attributes) => (
              <textarea
                {...attributes}
                rows={6}
                spellcheck={false}
                value={body}
                onInput={(event) => setBody(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
      </Panel>
      <Panel
        title="Send it"
        aside={
          <>
            <CopyButton text={curl} what="the request as a curl command" label="Copy as curl" />
            {method === 'GET' && lines.length === 0 && (
              <a href={url} target="_blank" rel="noreferrer">
                Open in a new tab
              </a>
            )}
          </>
        }
      >
        <ScrollArea class="text" label="The request as a curl command">
          {visible(curl)}
        </ScrollArea>
      </Panel>
    </div>
  );
}
