package oramaclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const beyond = "9007199254740993"

// engine returns a client of a real engine with the function "hello", which echoes its input.
func engine(t *testing.T) (*Client, context.Context) {
	t.Helper()
	address := os.Getenv("ORAMA_URL")
	if address == "" {
		t.Skip("ORAMA_URL names no engine")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return newClient(t, Options{URL: address, APIKey: os.Getenv("ORAMA_API_KEY")}), ctx
}

func newClient(t *testing.T, options Options) *Client {
	t.Helper()
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no *Error", err)
	}
	return failed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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

func TestPublishAndSubscribe(t *testing.T) {
	client, ctx := engine(t)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	triggered, err := client.Publish(ctx, "clients:fires", map[string]int{"n": 1})
	must(t, err)
	if triggered != 1 {
		t.Fatal(triggered)
	}
	long := strings.Repeat("x", 70_000)
	var heard []string
	for event, err := range client.Subscribe(ctx, "clients:go", SubscribeOptions{Presence: true, MemberID: "go"}) {
		must(t, err)
		if event.Type == EventOpen {
			_, err = client.Publish(ctx, "clients:go", json.RawMessage(beyond))
			must(t, err)
			must(t, client.PublishBatch(ctx, []Message{{"clients:go", Bytes{0, 255}}, {"clients:go", long}}))
		}
		if event.Type != EventMessage {
			continue
		}
		heard = append(heard, string(event.Data))
		if len(heard) == 3 {
			break
		}
	}
	if heard[0] != beyond || heard[1] != "\x00\xff" || heard[2] != long {
		t.Fatal(heard[:2], len(heard[2]))
	}
	for range client.Subscribe(ctx, "clients:go", SubscribeOptions{}) {
		// Must end immediately when the context does.
		cancel()
	}
	stranger := newClient(t, Options{URL: client.options.URL, APIKey: "ak_wrong:default"})
	for _, err := range stranger.Subscribe(context.Background(), "clients:go", SubscribeOptions{}) {
		if asError(t, err).Code != CodeUnauthorized {
			t.Fatal(err)
		}
	}
}

// refusing answers the given number of requests with refuse, and then like an engine that has
// published.
func refusing(t *testing.T, times int32, refuse http.HandlerFunc) (*Client, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if calls.Add(1) <= times {
			refuse(w, r)
			return
		}
		w.Header().Set("X-Request-Id", "r")
		w.Header().Set("X-Function-Version", "1")
		_, _ = io.WriteString(w, `{"status":"ok","triggered":0}`)
	}))
	t.Cleanup(server.Close)
	return newClient(t, Options{URL: server.URL, APIKey: "secret"}), &calls
}

func TestRefusalsAreTriedAgain(t *testing.T) {
	for _, status := range []int{429, 503} {
		client, calls := refusing(t, 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		})
		before := time.Now()
		_, err := client.Publish(context.Background(), "t", 1)
		must(t, err)
		if calls.Load() != 2 || time.Since(before) < time.Second {
			t.Fatal(calls.Load(), time.Since(before))
		}
	}
}

func TestARefusalForLongerThanAMinuteIsAnErrorAtOnce(t *testing.T) {
	client, calls := refusing(t, 9, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := client.Publish(ctx, "t", 1)
	if asError(t, err).RetryAfter != time.Hour || calls.Load() != 1 {
		t.Fatal(err, calls.Load())
	}
}

func TestWhatMayHaveTakenPlaceIsNotRepeated(t *testing.T) {
	client, calls := refusing(t, 1, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, `{"error":"Look before repeating it.","code":"ambiguous_write"}`)
	})
	_, err := client.Publish(context.Background(), "t", 1)
	if asError(t, err).Code != CodeAmbiguousWrite || calls.Load() != 1 {
		t.Fatal(err, calls.Load())
	}
}

func TestNoAnswerIsTriedAgainWithAKey(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	client, calls := refusing(t, 1, cut)
	_, err := client.Invoke(context.Background(), "f", []byte("x"), InvokeOptions{})
	if asError(t, err).Code != CodeUnreachable || calls.Load() != 1 {
		t.Fatal(err, calls.Load())
	}
	client, calls = refusing(t, 1, cut)
	_, err = client.Invoke(context.Background(), "f", []byte("x"), InvokeOptions{IdempotencyKey: "k"})
	must(t, err)
	if calls.Load() != 2 {
		t.Fatal(calls.Load())
	}
}

func TestAnAnswerOfAProxyIsNoAnswer(t *testing.T) {
	for _, status := range []int{502, 504} {
		proxy := func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>Bad Gateway</html>")
		}
		client, calls := refusing(t, 1, proxy)
		_, err := client.Invoke(context.Background(), "f", []byte("x"), InvokeOptions{})
		if asError(t, err).Status != status || calls.Load() != 1 {
			t.Fatal(err, calls.Load())
		}
		client, calls = refusing(t, 1, proxy)
		_, err = client.Invoke(context.Background(), "f", []byte("x"), InvokeOptions{IdempotencyKey: "k"})
		must(t, err)
		if calls.Load() != 2 {
			t.Fatal(calls.Load())
		}
	}
}

func TestContextEndsAHandshake(t *testing.T) {
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	defer server.Close()
	defer close(released)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	before := time.Now()
	for _, err := range newClient(t, Options{URL: server.URL}).Subscribe(ctx, "t", SubscribeOptions{}) {
		t.Fatal(err)
	}
	if time.Since(before) > 5*time.Second {
		t.Fatal(time.Since(before))
	}
}

func TestAnotherServerIsRecognized(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// Other servers have this header as well.
		w.Header().Set("X-Request-Id", "theirs")
		_, _ = w.Write([]byte("<html>"))
	}))
	defer server.Close()
	client, err := New(Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	_, invoked := client.Invoke(ctx, "f", nil, InvokeOptions{})
	_, queued := client.InvokeAsync(ctx, "f", nil, InvokeOptions{})
	_, found := client.Invocation(ctx, "x")
	for _, err := range []error{invoked, queued, found} {
		var failed *Error
		if !errors.As(err, &failed) || failed.Code != CodeInternal || failed.Status != http.StatusOK {
			t.Errorf("got %v", err)
		}
	}
}

func TestRedirectsAreNotSentTheKey(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	client, _ := refusing(t, 9, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, err := client.Invocation(context.Background(), "x")
	if asError(t, err).Status != 307 || followed.Load() {
		t.Fatal(err)
	}
}

func TestContextEndsAWait(t *testing.T) {
	client, _ := refusing(t, 9, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(429)
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := client.Publish(ctx, "t", 1)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestCredentialIsInAHeaderAndInNoAddress(t *testing.T) {
	for _, options := range []Options{{APIKey: "secret"}, {Token: "secret"}} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if strings.Contains(r.URL.String(), "secret") {
				t.Errorf("the address %s has the credential", r.URL)
			}
			if !strings.Contains(r.Header.Get("X-API-Key")+r.Header.Get("Authorization"), "secret") {
				t.Errorf("%s has no credential in a header", r.URL)
			}
			w.WriteHeader(http.StatusForbidden)
		}))
		options.URL = server.URL
		client := newClient(t, options)
		_, err := client.Invocation(context.Background(), "x")
		var refused *Error
		if !errors.As(err, &refused) {
			t.Error(err)
		}
		for _, err := range client.Subscribe(context.Background(), "t", SubscribeOptions{}) {
			if !errors.As(err, &refused) {
				t.Error(err)
			}
		}
		server.Close()
		if requests.Load() != 2 {
			t.Errorf("%d requests were sent, not 2", requests.Load())
		}
	}
}

func TestSubscribeConnectsAgain(t *testing.T) {
	var sockets atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: "+accept(r.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
		// A ping, then a message in two frames; then the connection is closed.
		_, _ = io.WriteString(conn, "\x89\x02hi\x01\x0f{\"data\":\"aGk=\",\x80\x0f\"topic\":\"t\"   }")
		_, _ = buffer.ReadByte()
		sockets.Add(1)
	}))
	defer server.Close()
	client := newClient(t, Options{URL: server.URL})
	heard := ""
	for event, err := range client.Subscribe(context.Background(), "t", SubscribeOptions{}) {
		must(t, err)
		heard += event.Type + string(event.Data) + " "
		if heard == "open messagehi open messagehi " {
			break
		}
	}
}
