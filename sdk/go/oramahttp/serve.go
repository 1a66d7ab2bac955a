//go:build wasip1 || wasm

// Package oramahttp runs a net/http handler or router as an HTTP function. It is a separate package
// because net/http makes a module several megabytes larger.
package oramahttp

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	orama "orama/sdk-go"
)

// Serve answers the HTTP request of this invocation with a handler: an http.ServeMux, or a chi or
// echo router. The namespace and, at the function's own address, the function's name are removed
// from the request's path, so that a router's patterns do not depend on where the function is
// deployed. An invocation without an HTTP request is passed to the handler as `POST /` with the
// input as its body.
func Serve(handler http.Handler) {
	request, err := newRequest()
	if err != nil {
		_ = orama.Respond(http.StatusBadRequest, map[string]any{"content-type": "text/plain; charset=utf-8"})
		_, _ = os.Stdout.WriteString(err.Error())
		return
	}
	writer := &responseWriter{header: http.Header{}}
	handler.ServeHTTP(writer, request)
	if writer.status == 0 {
		writer.WriteHeader(http.StatusOK)
	}
	headers := map[string]any{}
	for name, values := range writer.sent {
		headers[name] = values
	}
	_ = orama.Respond(writer.status, headers)
	_, _ = os.Stdout.Write(writer.body.Bytes())
}

func newRequest() (*http.Request, error) {
	body, err := orama.Input()
	if err != nil {
		return nil, err
	}
	given := orama.Request()
	if given == nil {
		return http.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	}
	request, err := http.NewRequest(given.Method, given.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range given.Headers {
		request.Header.Set(name, value)
	}
	request.Host = request.URL.Host
	request.RequestURI = request.URL.RequestURI()
	request.RemoteAddr = net.JoinHostPort(given.RemoteAddress, "0")
	for name, value := range given.Params {
		request.SetPathValue(name, value)
	}
	stripPrefix(request, given)
	return request, nil
}

// stripPrefix removes the namespace and, at the function's own address, the function's name from
// the path. An escaped slash stays in its segment.
func stripPrefix(request *http.Request, given *orama.HTTPRequest) {
	path := request.URL.EscapedPath()
	if first, rest := cutSegment(path); first == given.Namespace && begins(rest, given.Route) {
		path = rest
	}
	if given.Route == "" {
		_, path = cutSegment(path)
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return
	}
	request.URL.Path, request.URL.RawPath = plain, ""
	if request.URL.EscapedPath() != path {
		request.URL.RawPath = path
	}
}

// begins returns whether a path without a namespace is one of the route, or of the function's own
// address. With FUNCTIONS_HOST, a path has no namespace and may still begin with its name.
func begins(path, route string) bool {
	first, _ := cutSegment(path)
	if route == "" {
		name, _, _ := strings.Cut(first, "@")
		return name == os.Args[0]
	}
	_, pattern, _ := strings.Cut(route, " ")
	wanted, _ := cutSegment(pattern)
	return strings.HasPrefix(wanted, "{") || first == wanted
}

// cutSegment returns the first segment of an escaped path, and the rest, which begins with a slash.
func cutSegment(path string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if plain, err := url.PathUnescape(first); err == nil {
		first = plain
	}
	return first, "/" + rest
}

type responseWriter struct {
	header http.Header
	// sent is the header at the time when the status was written. Later changes are ignored, as in
	// net/http.
	sent   http.Header
	status int
	body   bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	// An informational response comes before the response.
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.sent = w.header.Clone()
}

func (w *responseWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	_, known := w.sent["Content-Type"]
	if !known && w.body.Len() == 0 && len(data) > 0 && w.sent.Get("Content-Encoding") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(data))
	}
	return w.body.Write(data)
}
