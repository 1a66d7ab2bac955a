import { useEffect, useState } from 'preact/hooks';
import { jsonOf } from '../api/error.js';
import { call, request } from '../api/request.js';
import { CodeField } from '../parts/code-field.js';
import { Field, Form } from '../parts/form.js';
import { Page, Panel } from '../parts/page.js';
import { ResourceView } from '../parts/resource-view.js';
import { Link, setQuery, usePlace } from '../router.js';
import { brief, count, plural } from '../text.js';
import type { TopicsReply } from '../types.js';
import { useResource } from '../use-resource.js';
import { LiveMessages } from './live-messages.js';

const TOPICS_MS = 5000;
const MAX_TOPICS = 200;

export function EventsPage() {
  const { query } = usePlace();
  const topic = query.get('topic') ?? '';
  const topics = useResource(
    'topics',
    (signal) => call<TopicsReply>('GET', '/v1/pubsub/topics', { signal }),
    TOPICS_MS,
  );
  return (
    <Page title="Events">
      <div class="halves">
        <Publish topic={topic} />
        <Panel title="Topics">
          <ResourceView
            of={topics}
            what="the topics"
            isEmpty={({ topics: all }) => all.length === 0}
            empty={<p>No topic has a trigger or a live subscriber.</p>}
          >
            {({ topics: all }) => (
              <ul class="chips">
                {all.slice(0, MAX_TOPICS).map((each) => (
                  <li key={each}>
                    <button
                      type="button"
                      aria-pressed={each === topic}
                      onClick={() => setQuery({ topic: each })}
                    >
                      {brief(each, 80)}
                    </button>
                  </li>
                ))}
                {all.length > MAX_TOPICS && (
                  <li class="faint">{count(all.length - MAX_TOPICS)} more; write one of them below.</li>
                )}
              </ul>
            )}
          </ResourceView>
        </Panel>
      </div>
      <LiveMessages topic={topic} key={topic} />
    </Page>
  );
}

function Publish({ topic: chosen }: { topic: string }) {
  const [topic, setTopic] = useState(chosen);
  const [data, setData] = useState('{}');
  const [published, setPublished] = useState<{ id: string; triggered: number } | null>(null);
  useEffect(() => setTopic(chosen), [chosen]);
  const publish = async () => {
    setPublished(null);
    // Sent unparsed, because parsing would round large numbers.
    const message = isJson(data) ? data : JSON.stringify(data);
    const response = await request('POST', '/v1/pubsub/publish', {
      body: `{"topic":${JSON.stringify(topic)},"data":${message}}`,
      headers: { 'Content-Type': 'application/json' },
    });
    const { triggered } = await jsonOf<{ triggered: number }>(response);
    setPublished({ id: response.headers.get('x-message-id') ?? '', triggered });
  };
  return (
    <Panel title="Publish">
      <Form label="Publish a message" submit="Publish" disabled={topic === ''} onSubmit={publish}>
        <Field label="Topic" name="topic">
          {(attributes) => (
            <input
              {...attributes}
              placeholder="orders:new"
              value={topic}
              onInput={(event) => setTopic(event.currentTarget.value)}
            />
          )}
        </Field>
        <CodeField
          label="Data"
          hint="JSON, else it is sent as a string."
          language="json"
          rows={5}
          value={data}
          onChange={setData}
        />
      </Form>
      {published !== null && (
        <p role="status">
          Published; it has triggered {plural(published.triggered, 'invocation')}.{' '}
          {published.triggered > 0 && <Link to={`/events/${published.id}`}>Show what it does</Link>}
        </p>
      )}
    </Panel>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
