package oramaclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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
