import { Page, Panel } from '../parts/page.js';
import { Link } from '../router.js';
import { brief } from '../text.js';
import { MessageTree } from './invocation-tree.js';

/** A message: the invocations that it triggered, and their descendants. */
export function MessagePage({ id }: { id: string }) {
  return (
    <Page
      title="Message"
      trail={
        <>
          <Link to="/events">Events</Link> / <code>{brief(id)}</code>
        </>
      }
    >
      <Panel title="What it has triggered, and what that has caused">
        <MessageTree id={id} />
      </Panel>
    </Page>
  );
}
