package oramaclient

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestAWrongCertificateIsAnErrorAtOnce(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, Options{URL: server.URL})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)

	_, called := client.Invocation(ctx, "x")
	var heard error
	for event, err := range client.Subscribe(ctx, "t", SubscribeOptions{}) {
		if event != nil {
			t.Fatalf("%v came through", event)
		}
		heard = err
	}
	for _, err := range []error{called, heard} {
		var certificate *tls.CertificateVerificationError
		if failed := asError(t, err); failed.Code != CodeUnreachable || !errors.As(err, &certificate) {
			t.Fatal(failed)
		}
	}
	if connections.Load() != 2 {
		t.Fatalf("%d connections, not 2", connections.Load())
	}
}
