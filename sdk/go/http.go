//go:build wasip1 || wasm

package orama

import (
	"encoding/json"
	"errors"
	"runtime"
	"unsafe"
)

// HTTPRequest is the request of an HTTP function (`http:` in function.yaml). Its body is the
// invocation's input.
type HTTPRequest struct {
	Method string `json:"method"`
	// URL is the complete URL as the client sees it.
	URL string `json:"url"`
	// Path is the complete path, including the namespace if it is part of the path.
	Path string `json:"path"`
	// Query contains all values of each parameter, in order.
	Query map[string][]string `json:"query"`
	// Params contains the values of a route's parameters: `{id}`, `{path...}`.
	Params map[string]string `json:"params"`
	// Headers are keyed by lower-case name; several values of one name are joined with ", ".
	Headers       map[string]string `json:"headers"`
	RemoteAddress string            `json:"remote_address"`
	Namespace     string            `json:"namespace"`
	// Route is the matched route of function.yaml; empty for the function's own address.
	Route string `json:"route"`
}

// Request returns the HTTP request of this invocation; nil if it was not triggered by one.
func Request() *HTTPRequest {
	data := take(hostHTTPRequest())
	if len(data) == 0 {
		return nil
	}
	request := &HTTPRequest{}
	if err := json.Unmarshal(data, request); err != nil {
		return nil
	}
	return request
}

// Respond sets the status and headers of the HTTP response; its body is the invocation's output.
// The last call takes effect. A header's value is a string or a []string. Connection-specific
// headers are dropped, with a line in the log.
func Respond(status int, headers map[string]any) error {
	if headers == nil {
		headers = map[string]any{}
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	p, n := blob(list)
	done := hostHTTPRespond(int32(status), p, n)
	runtime.KeepAlive(list)
	if done != 1 {
		return ErrFailed
	}
	return nil
}

// FetchRequest is a request of FetchAll.
type FetchRequest struct {
	Method  string
	URL     string
	Headers map[string]string
	Body    []byte
}

// FetchResult is the result of a request of FetchAll: a response or an error.
type FetchResult struct {
	Response *Response
	Err      error
}

// FetchAll sends requests concurrently, at most 64 at once, and waits for all of them. Results are
// in the order of the requests.
func FetchAll(requests []FetchRequest) []FetchResult {
	results := make([]FetchResult, len(requests))
	waiting := map[int32]int{}
	next := func() {
		handle, response, err := nextResponse()
		index, known := waiting[handle]
		if !known && handle != 0 {
			// The reply to a request of an earlier call that has given up.
			return
		}
		if !known {
			for handle, index := range waiting {
				results[index].Err = err
				delete(waiting, handle)
			}
			return
		}
		delete(waiting, handle)
		results[index] = FetchResult{Response: response, Err: err}
	}
	for index, request := range requests {
		for len(waiting) == maxParallelFetches {
			next()
		}
		handle, err := start(request)
		if err != nil {
			results[index].Err = err
			continue
		}
		waiting[handle] = index
	}
	for len(waiting) > 0 {
		next()
	}
	return results
}

const (
	maxParallelFetches = 64
	// Longer than the maximum timeout of a function.
	nextTimeoutMs = 300_000
)

func start(request FetchRequest) (int32, error) {
	headers := request.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return 0, err
	}
	mp, mn := text(request.Method)
	up, un := text(request.URL)
	hp, hn := blob(list)
	bp, bn := blob(request.Body)
	handle := hostHTTPStart(mp, mn, up, un, hp, hn, bp, bn)
	runtime.KeepAlive(request)
	runtime.KeepAlive(list)
	if handle <= 0 {
		return 0, ErrFailed
	}
	return handle, nil
}

func nextResponse() (int32, *Response, error) {
	data := take(hostHTTPNext(nextTimeoutMs))
	if len(data) == 0 {
		return 0, nil, ErrFailed
	}
	ended := struct {
		Handle int32 `json:"handle"`
	}{}
	response := &Response{}
	if err := json.Unmarshal(data, &ended); err != nil {
		return 0, nil, err
	}
	if err := json.Unmarshal(data, response); err != nil {
		return ended.Handle, nil, err
	}
	if response.Status == 0 {
		return ended.Handle, nil, errors.New("orama: " + response.Error)
	}
	return ended.Handle, response, nil
}

//go:wasmimport env http_request
func hostHTTPRequest() uint64

//go:wasmimport env http_respond
func hostHTTPRespond(status int32, headers unsafe.Pointer, headersLen uint32) int32

//go:wasmimport env http_start
func hostHTTPStart(
	method unsafe.Pointer, methodLen uint32,
	url unsafe.Pointer, urlLen uint32,
	headers unsafe.Pointer, headersLen uint32,
	body unsafe.Pointer, bodyLen uint32,
) int32

//go:wasmimport env http_next
func hostHTTPNext(timeoutMs int32) uint64
