import { render } from 'preact';
import { loadOperations, type Operation } from './docs/operations.js';
import { Tools } from './docs/tools.js';
import { Try } from './docs/try.js';
import { Failure } from './parts/resource-view.js';
import './styles/base.css';
import './styles/parts.css';
import './styles/docs.css';

/** The engine renders the page; this module adds the parts that need a script. */
const endpoints = [...document.querySelectorAll<HTMLDetailsElement>('details.operation')];

const tools = document.getElementById('docs-tools');
if (tools) render(<Tools endpoints={endpoints} />, tools);

let operations: Promise<ReadonlyMap<string, Operation>> | null = null;

async function openTry(endpoint: HTMLDetailsElement): Promise<void> {
  const place = endpoint.querySelector<HTMLElement>('.try');
  if (place === null || place.querySelector('form') !== null) return;
  try {
    operations ??= loadOperations();
    const operation = (await operations).get(place.dataset.operation ?? '');
    if (operation) render(<Try operation={operation} />, place);
  } catch (error) {
    operations = null;
    render(<Failure error={error} what="the form" retry={() => void openTry(endpoint)} />, place);
  }
}

for (const endpoint of endpoints) {
  endpoint.addEventListener('toggle', () => {
    if (endpoint.open) void openTry(endpoint);
  });
}

/** Expands the endpoint that the URL refers to. */
function openLinked(): void {
  const linked = document.getElementById(location.hash.slice(1));
  if (linked instanceof HTMLDetailsElement) linked.open = true;
}
addEventListener('hashchange', openLinked);
openLinked();
