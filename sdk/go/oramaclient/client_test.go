package oramaclient

import (
	"encoding/json"
	"testing"
	"time"
)

func TestInvoke(t *testing.T) {
	client, ctx := engine(t)
	result, err := client.InvokeJSON(ctx, "hello", map[string]any{"name": "Ada"}, InvokeOptions{})
	must(t, err)
	if string(result.Output) != `{"name":"Ada"}` || result.Attempts != 1 || result.Version != 1 || result.RequestID == "" {
		t.Fatalf("%+v", result)
	}
}

func TestIntegersAreExact(t *testing.T) {
	client, ctx := engine(t)
	result, err := client.Invoke(ctx, "hello", []byte(`{"n":`+beyond+`}`), InvokeOptions{})
	must(t, err)
	var value map[string]any
	must(t, result.JSON(&value))
	if value["n"] != json.Number(beyond) {
		t.Fatal(value)
	}
	result, err = client.InvokeJSON(ctx, "hello", int64(9007199254740993), InvokeOptions{})
	must(t, err)
	if string(result.Output) != beyond {
		t.Fatal(string(result.Output))
	}
}

func TestErrorsSayWhatWasWrong(t *testing.T) {
	client, ctx := engine(t)
	_, err := client.Invoke(ctx, "hello", []byte("!bad"), InvokeOptions{})
	refused := asError(t, err)
	if refused.Code != CodeFunctionRefused || refused.Status != 422 || !refused.OfFunction() ||
		string(refused.Output) != "!bad" || refused.RequestID == "" {
		t.Fatalf("%+v", refused)
	}
	_, err = client.Invoke(ctx, "nothing", nil, InvokeOptions{})
	if missing := asError(t, err); missing.Code != CodeFunctionNotFound || missing.Status != 404 || missing.OfFunction() {
		t.Fatalf("%+v", missing)
	}
	stranger := newClient(t, Options{URL: client.options.URL, APIKey: "ak_wrong:default"})
	_, err = stranger.Invoke(ctx, "hello", nil, InvokeOptions{})
	if asError(t, err).Code != CodeUnauthorized {
		t.Fatal(err)
	}
}

func TestIdempotencyKey(t *testing.T) {
	client, ctx := engine(t)
	options := InvokeOptions{IdempotencyKey: "go-1"}
	first, err := client.Invoke(ctx, "hello", []byte("once"), options)
	must(t, err)
	second, err := client.Invoke(ctx, "hello", []byte("once"), options)
	must(t, err)
	if first.RequestID != second.RequestID {
		t.Fatal(first.RequestID, second.RequestID)
	}
	_, err = client.Invoke(ctx, "hello", []byte("twice"), options)
	if asError(t, err).Code != CodeIdempotencyMismatch {
		t.Fatal(err)
	}
}

func TestAsyncInvocations(t *testing.T) {
	client, ctx := engine(t)
	id, err := client.InvokeAsync(ctx, "hello", []byte("later"), InvokeOptions{})
	must(t, err)
	ended, err := client.Wait(ctx, id)
	must(t, err)
	if ended.State != "success" || string(ended.OutputBytes()) != "later" {
		t.Fatalf("%+v", ended)
	}

	delayed, err := client.InvokeAsync(ctx, "hello", []byte("never"), InvokeOptions{Delay: 10 * time.Minute})
	must(t, err)
	must(t, client.Cancel(ctx, delayed))
	if asError(t, client.Cancel(ctx, delayed)).Code != CodeConflict {
		t.Fatal("it was cancelled twice")
	}
	again, err := client.Replay(ctx, delayed, ReplayOptions{Input: []byte("now")})
	must(t, err)
	replayed, err := client.Wait(ctx, again)
	must(t, err)
	if string(replayed.OutputBytes()) != "now" || replayed.ParentID == nil || *replayed.ParentID != delayed {
		t.Fatalf("%+v", replayed)
	}
	seen := map[string]bool{}
	for one, err := range client.Invocations(ctx, InvocationFilter{Function: "hello", PageSize: 1}) {
		must(t, err)
		seen[one.RequestID] = true
		if seen[id] {
			break
		}
	}
	if !seen[id] || !seen[again] {
		t.Fatal("not all were listed")
	}
}

func TestDeadLetters(t *testing.T) {
	client, ctx := engine(t)
	id, err := client.InvokeAsync(ctx, "hello", []byte("?dies"), InvokeOptions{})
	must(t, err)
	ended, err := client.Wait(ctx, id)
	must(t, err)
	if ended.State != "dead" {
		t.Fatalf("%+v", ended)
	}
	found := false
	for one, err := range client.DeadLetters(ctx, InvocationFilter{Function: "hello"}) {
		must(t, err)
		found = found || one.RequestID == id
	}
	if !found {
		t.Fatal("it is not listed")
	}
	count, err := client.ReplayDead(ctx, "hello", ReplayOptions{Newest: true})
	must(t, err)
	if count < 1 {
		t.Fatal(count)
	}
	_, err = client.PurgeDead(ctx, "hello")
	must(t, err)
}
