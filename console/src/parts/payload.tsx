import { useMemo, useState } from 'preact/hooks';
import { bytes, fromBase64, hexDump, indentedJson, visible } from '../text.js';
import { CopyButton } from './copy-button.js';
import { DownloadButton } from './download-button.js';
import { ScrollArea } from './scroll-area.js';

/**
 * The number of characters shown at once: browsers take seconds to lay out a line of a megabyte.
 */
const STEP = 32 << 10;
/** Longer JSON is not indented, which would make it even longer. */
const MAX_INDENTED = 256 << 10;
const HEX_BYTES = 4096;

interface PayloadProps {
  label: string;
  text?: string | null | undefined;
  base64?: string | undefined;
  /** The base name of the downloaded file. */
  name: string;
  missing?: string;
}

/**
 * Shows an input or output: text, optionally indented JSON, or a hex dump of bytes. It can be
 * downloaded as a file.
 */
export function Payload({ label, text, base64, name, missing = 'Not kept.' }: PayloadProps) {
  if (base64 !== undefined) return <Bytes label={label} base64={base64} name={name} />;
  if (text === null || text === undefined) return <p class="faint">{missing}</p>;
  if (text === '') return <p class="faint">Empty.</p>;
  return <Text label={label} text={text} name={name} />;
}

function Text({ label, text, name }: { label: string; text: string; name: string }) {
  const indented = useMemo(() => (text.length > MAX_INDENTED ? null : indentedJson(text)), [text]);
  const [isRaw, setIsRaw] = useState(false);
  const [length, setLength] = useState(STEP);
  const shown = isRaw || indented === null ? text : indented;
  return (
    <figure class="payload">
      <figcaption>
        <span class="faint">{bytes(new Blob([text]).size)}</span>
        {indented !== null && (
          <button type="button" class="quiet" aria-pressed={isRaw} onClick={() => setIsRaw(!isRaw)}>
            Raw
          </button>
        )}
        <CopyButton text={text} what={label} />
        <DownloadButton data={text} name={`${name}.${indented === null ? 'txt' : 'json'}`} what={label} />
      </figcaption>
      <ScrollArea class="text" label={label}>
        {visible(shown.slice(0, length))}
      </ScrollArea>
      {shown.length > length && (
        <button type="button" class="quiet" onClick={() => setLength(length + STEP)}>
          Show more ({bytes(shown.length - length)} left)
        </button>
      )}
    </figure>
  );
}

function Bytes({ label, base64, name }: { label: string; base64: string; name: string }) {
  const data = useMemo(() => fromBase64(base64), [base64]);
  return (
    <figure class="payload">
      <figcaption>
        <span class="faint">{bytes(data.length)}, not text</span>
        <DownloadButton data={data} name={`${name}.bin`} what={label} />
      </figcaption>
      <ScrollArea class="text hex" label={`${label} as hexadecimal`}>
        {hexDump(data.subarray(0, HEX_BYTES))}
      </ScrollArea>
      {data.length > HEX_BYTES && (
        <p class="faint">The first {bytes(HEX_BYTES)}; download it for the rest.</p>
      )}
    </figure>
  );
}
