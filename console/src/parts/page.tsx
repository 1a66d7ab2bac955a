import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface PageProps {
  title: string;
  /** The part of the page that is open, in the title of the document. */
  part?: string | undefined;
  /** Breadcrumbs, above the title. */
  trail?: ComponentChildren;
  /** Content next to the title. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function Page({ title, part, trail, aside, children }: PageProps) {
  useEffect(() => {
    document.title = [part, title, 'Orama console'].filter(Boolean).join(' · ');
  }, [part, title]);
  return (
    <>
      <header class="page">
        {trail && <div class="trail">{trail}</div>}
        <h1>{title}</h1>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </>
  );
}

export function Panel({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
