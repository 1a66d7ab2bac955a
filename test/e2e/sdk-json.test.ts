import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

/** Strings with pairs of surrogates, and with surrogates that have no partner. */
const STRINGS = [
  String.raw`"\ud83d\ude00"`,
  String.raw`"\ud83d\u0041b"`,
  String.raw`"\ud83d\ud83d\ude00"`,
  String.raw`"\ud83dx"`,
  String.raw`"\ud83d\n"`,
  String.raw`"x\ud83d"`,
  String.raw`"\ude00\ud83d"`,
  String.raw`"\u00e9\u20ac\"\\\/\b\f\n\r\t"`,
];
const EXPECTED = STRINGS.map((text) => Buffer.from(JSON.parse(text).toWellFormed()).toString('hex'));

/** Compiles a program for this machine and returns the lines that it prints. */
function linesOf(compiler: string, source: string, ...args: string[]): string[] {
  const program = join(home, compiler);
  const built = spawnSync(compiler, [...args, '-o', program, source], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  return spawnSync(program, { encoding: 'utf8' }).stdout.trim().split('\n');
}

const rustTest = findTool('rustc') === undefined ? test.skip : test;
rustTest('the Rust SDK decodes surrogates like JSON.parse, in debug builds as well (needs Rust)', (t) => {
  const source = join(home, 'main.rs');
  const body = STRINGS.map((text) => `show(r##"${text}"##);`).join('\n');
  writeFileSync(
    source,
    `#[path = ${JSON.stringify(resolve('sdk/rust/src/json.rs'))}] #[allow(dead_code)] mod json;
fn show(text: &str) {
    let value = json::parse(text);
    let decoded = value.as_ref().and_then(json::Value::as_str).unwrap_or("none");
    println!("{}", decoded.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
}
fn main() {
    ${body}
    println!("{:?}", json::parse(r#""\\u+041""#));
}
`,
  );
  t.deepEqual(linesOf('rustc', source, '-A', 'warnings'), [...EXPECTED, 'None']);
});

const cTest = findTool('clang') === undefined ? test.skip : test;
cTest('the C SDK decodes surrogates like JSON.parse (needs clang)', (t) => {
  const source = join(home, 'main.c');
  const list = STRINGS.map((text) => JSON.stringify(`{"a":${text}}`)).join(',\n');
  writeFileSync(
    source,
    `#include ${JSON.stringify(resolve('sdk/c/orama.h'))}
int main(void) {
  const char *all[] = {${list}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    for (char *c = orama_json_get(all[i], "a"); c && *c; c++) printf("%02x", (unsigned char)*c);
    puts("");
  }
}
`,
  );
  t.deepEqual(linesOf('clang', source, '-w'), EXPECTED);
});
