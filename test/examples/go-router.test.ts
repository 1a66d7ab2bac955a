import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { successfulCli } from '../helpers/cli.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const ROUTER = 'github.com/go-chi/chi/v5';
const go = findTool('go');
const home = tempDir();

const MAIN = `package main

import (
	"encoding/json"
	"net/http"

	"${ROUTER}"
	"function/orama/oramahttp"
)

func main() {
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Set-Cookie", "seen=1")
			next.ServeHTTP(w, r)
		})
	})
	router.Route("/users", func(users chi.Router) {
		users.Get("/{id}", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"id": chi.URLParam(r, "id"), "q": r.URL.Query().Get("q")})
		})
		users.Post("/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	})
	oramahttp.Serve(router)
}
`;

const FUNCTION = 'name: routed\npublic: true\ntimeout: 20\nhttp: {}\n';

/** Whether the router can be downloaded here. */
function hasRouter(): boolean {
  if (go === undefined) return false;
  const dir = join(tempDir(), 'probe');
  mkdirSync(dir);
  writeFileSync(join(dir, 'go.mod'), 'module probe\n\ngo 1.24\n');
  return spawnSync(go, ['get', ROUTER], { cwd: dir, timeout: 60_000 }).status === 0;
}

const run = hasRouter() ? test : test.skip;

run('a chi router serves a Go function (needs Go and the module proxy)', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const orama = successfulCli({ home, env });
  await orama('function', 'init', 'routed', '--lang', 'go', '--template', 'http');
  const directory = join(home, 'routed');
  writeFileSync(join(directory, 'main.go'), MAIN);
  writeFileSync(join(directory, 'function.yaml'), FUNCTION);
  t.is(spawnSync(go ?? '', ['get', ROUTER], { cwd: directory, timeout: 60_000 }).status, 0);
  await orama('function', 'deploy', 'routed');
  const url = `${engine.functionsUrl}/default/routed/users`;
  const found = await fetch(`${url}/7?q=x`);
  t.is(found.status, 200);
  t.deepEqual(await found.json(), { id: '7', q: 'x' });
  t.deepEqual(found.headers.getSetCookie(), ['seen=1']);
  t.is((await fetch(`${url}/`, { method: 'POST', body: '{}' })).status, 201);
  t.is((await fetch(`${url}/7`, { method: 'DELETE' })).status, 405);
  t.is((await fetch(`${url}/7/more`)).status, 404);
});
