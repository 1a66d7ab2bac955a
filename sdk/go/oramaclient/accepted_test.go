package oramaclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// accepting starts a server that accepts calls with 202, answers the call after `posts` of them, and
// answers reads with `record`, or refuses them if it is empty.
func accepting(t *testing.T, posts int32, record string) (*Client, *atomic.Int32) {
	calls := new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if record == "" {
				w.WriteHeader(403)
				record = `{"error":"It has no scope read.","code":"insufficient_scope"}`
			}
			_, _ = io.WriteString(w, record)
			return
		}
		w.Header().Set("X-Request-Id", "id-1")
		if calls.Add(1) <= posts {
			w.WriteHeader(202)
			return
		}
		w.Header().Set("X-Function-Version", "1")
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(server.Close)
	return newClient(t, Options{URL: server.URL}), calls
}

func TestAKeyedCallIsRepeatedUntilItIsAnswered(t *testing.T) {
	client, calls := accepting(t, 2, "")
	result, err := client.Invoke(context.Background(), "f", []byte("x"), InvokeOptions{IdempotencyKey: "k"})
	must(t, err)
	if string(result.Output) != "done" || result.RequestID != "id-1" || calls.Load() != 3 {
		t.Fatal(result, calls.Load())
	}
}

func TestErrorsAfterAcceptanceHaveTheID(t *testing.T) {
	client, calls := accepting(t, 9, "")
	_, err := client.Invoke(context.Background(), "f", nil, InvokeOptions{})
	failed := asError(t, err)
	if !failed.Accepted || failed.RequestID != "id-1" || failed.Code != CodeInsufficientScope || calls.Load() != 1 {
		t.Fatal(err)
	}
	for _, options := range []InvokeOptions{{}, {IdempotencyKey: "k"}} {
		client, _ = accepting(t, 99, `{"request_id":"id-1","state":"running"}`)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		_, err = client.Invoke(ctx, "f", nil, options)
		cancel()
		failed = asError(t, err)
		if !failed.Accepted || failed.RequestID != "id-1" || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func TestAPolledResultIsThatOfADirectAnswer(t *testing.T) {
	client, _ := accepting(t, 9, `{"request_id":"id-1","state":"dead","error":"exited with code 65","code":"function_refused","output":"so far"}`)
	_, err := client.Invoke(context.Background(), "f", nil, InvokeOptions{})
	failed := asError(t, err)
	if failed.Code != CodeFunctionRefused || string(failed.Output) != "so far" || failed.Accepted {
		t.Fatal(err)
	}
	client, _ = accepting(t, 9, `{"request_id":"id-1","state":"success","output_size":5,"output":null}`)
	_, err = client.Invoke(context.Background(), "f", nil, InvokeOptions{})
	if failed = asError(t, err); failed.Code != CodeNotFound || !failed.Accepted || failed.RequestID != "id-1" {
		t.Fatal(err)
	}
	client, _ = accepting(t, 9, `{"request_id":"id-1","state":"success","output_size":0,"output":null}`)
	result, err := client.Invoke(context.Background(), "f", nil, InvokeOptions{})
	must(t, err)
	if len(result.Output) != 0 {
		t.Fatal(result)
	}
}

func TestAnEmptyNameIsRefusedBeforeAnythingIsSent(t *testing.T) {
	client, calls := refusing(t, 9, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	ctx := context.Background()
	for _, name := range []string{"", ".", ".."} {
		_, invoked := client.Invoke(ctx, name, nil, InvokeOptions{})
		_, waited := client.Wait(ctx, name)
		_, purged := client.PurgeDead(ctx, name)
		for _, err := range []error{invoked, waited, purged, client.Cancel(ctx, name)} {
			if failed := asError(t, err); failed.Code != CodeInvalidRequest || failed.Status != 0 {
				t.Fatal(name, err)
			}
		}
	}
	if calls.Load() != 0 {
		t.Fatal(calls.Load())
	}
}

func TestASubscriptionUsesTheTransportOfTheClient(t *testing.T) {
	forbid := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	server := httptest.NewServer(forbid)
	defer server.Close()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	secure := httptest.NewTLSServer(forbid)
	defer secure.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, options := range []Options{
		{URL: "http://engine.invalid", HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}}},
		{URL: secure.URL, HTTPClient: secure.Client()},
	} {
		heard := 0
		for _, err := range newClient(t, options).Subscribe(ctx, "t", SubscribeOptions{}) {
			heard++
			if asError(t, err).Status != 403 {
				t.Fatal(err)
			}
		}
		if heard != 1 {
			t.Fatal(options.URL, heard)
		}
	}
}

func TestASubscriptionToAnotherServerEnds(t *testing.T) {
	for _, status := range []int{200, 204, 302, 308, 404} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
		}))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		var last error
		for _, last = range newClient(t, Options{URL: server.URL}).Subscribe(ctx, "t", SubscribeOptions{}) {
		}
		cancel()
		server.Close()
		if asError(t, last).Status != status {
			t.Fatal(status, last)
		}
	}
}
