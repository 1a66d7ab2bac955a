interface DownloadButtonProps {
  data: BlobPart;
  /** The name of the file. */
  name: string;
  what: string;
}

export function DownloadButton({ data, name, what }: DownloadButtonProps) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([data], { type: 'application/octet-stream' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <button type="button" class="quiet" onClick={save} aria-label={`Download ${what}`}>
      Download
    </button>
  );
}
