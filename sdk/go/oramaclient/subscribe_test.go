package oramaclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

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
