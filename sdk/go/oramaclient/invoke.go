package oramaclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// waitSeconds is how long one request waits for a result: proxies end requests that wait for longer.
const waitSeconds = 240

// InvokeOptions are of one call; the zero value has none.
type InvokeOptions struct {
	// IdempotencyKey: the same key gives the same invocation and result for 24 hours.
	IdempotencyKey string
	// Sticky: equal values are given equal versions where an alias splits by weight.
	Sticky string
	// MaxAge: an invocation older than this when its turn comes is dead.
	MaxAge time.Duration
	// Delay before the first attempt; for InvokeAsync.
	Delay time.Duration
	// CallbackURL gets the result, signed; for InvokeAsync.
	CallbackURL string
}

// Result is what a function gave.
type Result struct {
	RequestID string
	Output    []byte
	Attempts  int
	Version   int64
	Duration  time.Duration
}

// JSON reads the output into v. Into an interface, numbers are json.Number and so exact.
func (r *Result) JSON(v any) error { return decode(r.Output, v) }

// Invoke runs a function ("name", "name@version" or "name@alias") and waits for its output. It asks for the result of
// one that takes long, until the context ends.
func (c *Client) Invoke(ctx context.Context, name string, input []byte, options InvokeOptions) (*Result, error) {
	header := options.header()
	header.Set("Accept", "application/octet-stream")
	header.Set("Prefer", "wait="+strconv.Itoa(waitSeconds))
	answer, err := c.post(ctx, name, input, header, options)
	if err != nil {
		return nil, err
	}
	id := answer.header.Get("X-Request-Id")
	if answer.status == http.StatusAccepted {
		ended, err := c.Wait(ctx, id)
		if err != nil {
			return nil, err
		}
		return resultOf(ended)
	}
	attempts, _ := strconv.Atoi(answer.header.Get("X-Attempts"))
	version, _ := strconv.ParseInt(answer.header.Get("X-Function-Version"), 10, 64)
	ms, _ := strconv.ParseFloat(answer.header.Get("X-Duration-Ms"), 64)
	return &Result{RequestID: id, Output: answer.body, Attempts: attempts, Version: version, Duration: milliseconds(ms)}, nil
}

// InvokeJSON is Invoke with a value as JSON.
func (c *Client) InvokeJSON(ctx context.Context, name string, input any, options InvokeOptions) (*Result, error) {
	data, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	return c.Invoke(ctx, name, data, options)
}

// InvokeAsync has a function run and returns the id of the invocation, once that is durable. Wait waits for its end.
func (c *Client) InvokeAsync(ctx context.Context, name string, input []byte, options InvokeOptions) (string, error) {
	header := options.header()
	header.Set("Prefer", "respond-async")
	if options.Delay > 0 {
		header.Set("X-Delay-Seconds", seconds(options.Delay))
	}
	if options.CallbackURL != "" {
		header.Set("X-Callback-Url", options.CallbackURL)
	}
	answer, err := c.post(ctx, name, input, header, options)
	if err != nil {
		return "", err
	}
	return answer.header.Get("X-Request-Id"), nil
}

func (c *Client) post(ctx context.Context, name string, input []byte, header http.Header, options InvokeOptions) (*reply, error) {
	header.Set("Content-Type", "application/octet-stream")
	return c.send(ctx, call{
		method:     http.MethodPost,
		path:       "/v1/functions/" + url.PathEscape(name) + "/invoke",
		header:     header,
		body:       input,
		repeatable: options.IdempotencyKey != "",
	})
}

func (o InvokeOptions) header() http.Header {
	header := http.Header{}
	if o.IdempotencyKey != "" {
		header.Set("Idempotency-Key", o.IdempotencyKey)
	}
	if o.Sticky != "" {
		header.Set("X-Orama-Sticky", o.Sticky)
	}
	if o.MaxAge > 0 {
		header.Set("X-Max-Age-Seconds", seconds(o.MaxAge))
	}
	return header
}

func resultOf(ended *Invocation) (*Result, error) {
	if ended.State != "success" {
		return nil, failureOf(ended)
	}
	result := &Result{
		RequestID: ended.RequestID,
		Output:    ended.OutputBytes(),
		Attempts:  len(ended.Attempts),
		Version:   ended.Version,
	}
	if len(ended.Attempts) > 0 {
		result.Duration = milliseconds(ended.Attempts[len(ended.Attempts)-1].DurationMS)
	}
	return result, nil
}

func failureOf(ended *Invocation) *Error {
	failed := &Error{
		Code:      CodeFunctionError,
		Message:   "the invocation ended " + ended.State,
		Status:    http.StatusAccepted,
		RequestID: ended.RequestID,
		Output:    ended.OutputBytes(),
	}
	if ended.Error != nil {
		failed.Message = *ended.Error
	}
	last := len(ended.Attempts) - 1
	if ended.State == "timeout" || (last >= 0 && ended.Attempts[last].Status == "timeout") {
		failed.Code = CodeFunctionTimeout
	}
	if ended.State == "cancelled" {
		failed.Code = CodeCancelled
	}
	return failed
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
