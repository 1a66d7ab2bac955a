package oramaclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestRefusalsAreTriedAgain(t *testing.T) {
	for _, status := range []int{429, 503} {
		client, calls := refusing(t, 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":"Later.","code":"unavailable"}`)
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
	for _, status := range []int{502, 503, 504} {
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

func TestARefusedPollDoesNotEndTheWaitForAnAcceptedInvocation(t *testing.T) {
	var polls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("X-Request-Id", "r")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if polls.Add(1) <= 2 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, `{"request_id":"r","state":"success","output":"x"}`)
	}))
	t.Cleanup(server.Close)
	client, err := New(Options{URL: server.URL, Retries: -1})
	must(t, err)
	before := time.Now()
	result, err := client.Invoke(context.Background(), "f", nil, InvokeOptions{})
	must(t, err)
	if string(result.Output) != "x" || polls.Load() != 3 || time.Since(before) < 2*time.Second {
		t.Fatal(string(result.Output), polls.Load(), time.Since(before))
	}
}
