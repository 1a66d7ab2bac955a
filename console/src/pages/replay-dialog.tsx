import { useState } from 'preact/hooks';
import { MAX_INPUT_BYTES } from '../../../src/contract/limits.js';
import { call } from '../api/request.js';
import { CodeField } from '../parts/code-field.js';
import { Dialog } from '../parts/dialog.js';
import { Field, Form } from '../parts/form.js';
import { showMessage } from '../parts/messages.js';
import { useNavigate } from '../router.js';
import { tooLong } from '../text.js';
import type { InvocationRecord, VersionsReply } from '../types.js';
import { useResource } from '../use-resource.js';

/**
 * Replays an invocation: with its own input unless it was edited, on its own version unless another
 * is selected.
 */
export function ReplayDialog({ of: record, onClose }: { of: InvocationRecord; onClose(): void }) {
  const navigate = useNavigate();
  const own = record.input_base64 === undefined ? record.input : null;
  const [input, setInput] = useState(own ?? '');
  const [version, setVersion] = useState('pinned');
  const path = `/v1/functions/${encodeURIComponent(record.function)}/versions`;
  const versions = useResource(path, (signal) => call<VersionsReply>('GET', path, { signal }));
  const others = versions.data?.versions.filter((each) => each.version !== record.version) ?? [];
  const isEdited = own === null ? input !== '' : input !== own;
  const problem = tooLong(input, MAX_INPUT_BYTES);
  const replay = async () => {
    const { request_id: id } = await call<{ request_id: string }>(
      'POST',
      `/v1/invocations/${record.request_id}/replay`,
      { query: { version }, ...(isEdited ? { json: { input } } : {}) },
    );
    onClose();
    showMessage('done', `Runs again as ${id}.`);
    navigate(`/invocations/${id}`);
  };
  return (
    <Dialog title={`Replay ${record.function}`} onClose={onClose}>
      <Form
        label="Replay"
        submit={isEdited ? 'Replay with this input' : 'Replay'}
        disabled={problem !== undefined}
        onSubmit={replay}
        buttons={
          <button type="button" onClick={onClose}>
            Close
          </button>
        }
      >
        <Field label="Version">
          {(attributes) => (
            <select
              {...attributes}
              value={version}
              onChange={(event) => setVersion(event.currentTarget.value)}
            >
              <option value="pinned">{record.version} – the one that it ran on</option>
              <option value="newest">Where calls without a version go</option>
              {others.map(({ version: each }) => (
                <option key={each} value={String(each)}>
                  {each}
                </option>
              ))}
            </select>
          )}
        </Field>
        <CodeField
          label="Input"
          hint={
            own === null
              ? 'The original input is not text or is no longer kept. Leave this empty to replay with the original.'
              : 'The original input, unless you change it.'
          }
          problem={problem}
          language="json"
          value={input}
          onChange={setInput}
        />
      </Form>
    </Dialog>
  );
}
