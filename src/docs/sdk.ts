import { readFileSync } from 'node:fs';

interface Sdk {
  title: string;
  fence: string;
  about: string;
  files: readonly string[];
  /** Matches a declaration that functions may use; the first group is its signature. */
  declaration: RegExp;
  comment: RegExp;
}

const SDKS: readonly Sdk[] = [
  {
    title: 'Go',
    fence: 'go',
    about: 'Package `orama` (`orama/sdk-go`), and `oramahttp` for `net/http` handlers.',
    files: ['sdk/go/orama.go', 'sdk/go/http.go', 'sdk/go/oramahttp/serve.go'],
    declaration: /^(func [A-Z]\w*\(.*?)(?: \{.*)?$/,
    comment: /^\/\/ ?(.*)$/,
  },
  {
    title: 'Rust',
    fence: 'rust',
    about: 'Crate `orama`, with `orama::http` for HTTP functions and `orama::json` for JSON.',
    files: [
      'sdk/rust/src/lib.rs',
      'sdk/rust/src/http.rs',
      'sdk/rust/src/http_types.rs',
      'sdk/rust/src/json.rs',
    ],
    declaration: /^(pub fn .*?)(?: \{.*)?$/,
    comment: /^\/\/\/ ?(.*)$/,
  },
  {
    title: 'AssemblyScript',
    fence: 'ts',
    about: 'Module `orama`.',
    files: ['sdk/assemblyscript/assembly/orama.ts'],
    declaration: /^export (function .*?)(?: \{.*)?$/,
    comment: /^(?:\/\*\*| \*) ?(.*?)(?: ?\*\/)?$/,
  },
  {
    title: 'C',
    fence: 'c',
    about: 'One header, `orama.h`.',
    files: ['sdk/c/orama.h'],
    declaration:
      /^static inline ((?!.*\borama_(?:json_(?:blanks|end|hex|utf8|text|string)|put_utf8|hex4)\b).*?)(?: \{.*)?$/,
    comment: /^(?:\/\/|\/\*+| \*) ?(.*?)(?: ?\*\/)?$/,
  },
];

/**
 * Returns the reference page of the SDK functions, with signatures and comments from the sources.
 */
export function sdkPage(): string {
  return `# SDK functions

What a function can ask of the engine, in each language; [Writing functions](functions.md) tells how to get and use them. This
page is made from the sources under \`sdk/\` by \`npm run docs\`.

${SDKS.map(section).join('\n')}
## JavaScript and TypeScript

\`import type { Env } from 'orama'\`; [JavaScript and TypeScript](javascript.md) has the rest.

\`\`\`ts signatures
${declarationsOf('sdk/javascript/orama/index.d.ts')}
\`\`\`
`;
}

function section(sdk: Sdk): string {
  const functions = sdk.files.flatMap((file) => functionsOf(sdk, file));
  return `## ${sdk.title}

${sdk.about}

\`\`\`${sdk.fence} signatures
${functions.join('\n')}
\`\`\`
`;
}

/** Returns each declaration with the comment in front of it. */
function functionsOf({ declaration, comment, fence }: Sdk, file: string): string[] {
  const found: string[] = [];
  let comments: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const signature = declaration.exec(line)?.[1];
    const text = comment.exec(line)?.[1];
    if (signature !== undefined) {
      const about = comments.filter((each) => each !== '').map((each) => `// ${each}\n`);
      found.push(`${about.join('')}${signature}${fence === 'c' ? ';' : ''}`);
    }
    if (text === undefined) comments = [];
    else comments.push(text);
  }
  return found;
}

function declarationsOf(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => !line.startsWith('/// <reference'))
    .join('\n')
    .trim();
}
