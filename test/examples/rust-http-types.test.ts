import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { successfulCli } from '../helpers/cli.js';
import { COMPILERS } from '../helpers/compilers.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const DEPENDENCIES = `
[features]
default = ["http-types"]
http-types = []

[dependencies]
http = "1"
`;

const MAIN = `mod orama;

use ::http::{header, Method, Response, StatusCode};
use orama::http_types::{request, respond, Context};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = request()?.ok_or("not an HTTP request")?;
    if request.method() != Method::POST {
        return respond(Response::builder().status(StatusCode::NO_CONTENT).body(Vec::new())?);
    }
    let id = &request.extensions().get::<Context>().ok_or("no context")?.params[0].1;
    let agent = request.headers()["x-agent"].to_str()?;
    let said = String::from_utf8_lossy(request.body());
    let response = Response::builder()
        .status(StatusCode::CREATED)
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::SET_COOKIE, "a=1")
        .header(header::SET_COOKIE, "b=2");
    respond(response.body(format!("{id} {} {agent} {said}", request.uri().query().unwrap_or("-")))?)
}
`;

const FUNCTION =
  'name: typed\npublic: true\nhttp: { routes: ["POST /things/{id}", "DELETE /things/{id}"] }\n';

/** Whether the crate `http` can be downloaded here. */
function hasCrates(): boolean {
  const dir = join(tempDir(), 'probe');
  mkdirSync(join(dir, 'src'), { recursive: true });
  writeFileSync(join(dir, 'src', 'main.rs'), '');
  const manifest = '[package]\nname = "probe"\nversion = "0.1.0"\n[dependencies]\nhttp = "1"\n';
  writeFileSync(join(dir, 'Cargo.toml'), manifest);
  return spawnSync('cargo', ['fetch'], { cwd: dir, timeout: 60_000 }).status === 0;
}

const isPossible = COMPILERS.rust?.found === true && hasCrates();
const run = isPossible ? test : test.skip;
const home = tempDir();

run('a Rust function responds with the types of the crate http (needs cargo and crates.io)', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const orama = successfulCli({ home, env });
  await orama('function', 'init', 'typed', '--lang', 'rust', '--template', 'http');
  writeFileSync(join(home, 'typed', 'src', 'main.rs'), MAIN);
  appendFileSync(join(home, 'typed', 'Cargo.toml'), DEPENDENCIES);
  writeFileSync(join(home, 'typed', 'function.yaml'), FUNCTION);
  await orama('function', 'deploy', 'typed');
  const url = `${engine.functionsUrl}/default/things/7?x=1`;
  const created = await fetch(url, { method: 'POST', headers: { 'x-agent': 'curl' }, body: 'hello' });
  t.is(created.status, 201);
  t.is(created.headers.get('content-type'), 'text/plain');
  t.deepEqual(created.headers.getSetCookie(), ['a=1', 'b=2']);
  t.is(await created.text(), '7 x=1 curl hello');
  t.is((await fetch(url, { method: 'DELETE' })).status, 204);
});
