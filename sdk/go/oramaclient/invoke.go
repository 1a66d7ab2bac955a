package oramaclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// waitSeconds is how long one request waits for a result, as proxies abort longer requests.
const waitSeconds = 240

// InvokeOptions are the options of a call.
type InvokeOptions struct {
	// IdempotencyKey returns the same invocation and result for the same key for 24 hours.
	IdempotencyKey string
	// Sticky selects equal versions of an alias with weights for equal values.
	Sticky string
	// MaxAge: if the invocation is older than this when it is about to start, it is dead.
	MaxAge time.Duration
	// Delay is the delay before the first attempt, for InvokeAsync.
	Delay time.Duration
	// CallbackURL is the URL to which the signed result is POSTed, for InvokeAsync.
	CallbackURL string
}

// Result is the result of a function call.
type Result struct {
	RequestID string
	Output    []byte
	Attempts  int
	Version   int64
	Duration  time.Duration
}

// JSON decodes the output into v. Numbers in an interface are json.Number and hence exact.
func (r *Result) JSON(v any) error { return decode(r.Output, v) }

// Invoke invokes a function ("name", "name@version" or "name@alias") and returns its result. It
// polls for the result of a long call until the context is done.
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

// InvokeJSON is Invoke with a value that is encoded as JSON.
func (c *Client) InvokeJSON(ctx context.Context, name string, input any, options InvokeOptions) (*Result, error) {
	data, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	return c.Invoke(ctx, name, data, options)
}

// InvokeAsync enqueues an invocation and returns its id once it is durable. Use Wait to wait for
// its end.
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
	answer, err := c.send(ctx, call{
		method:     http.MethodPost,
		path:       "/v1/functions/" + url.PathEscape(name) + "/invoke",
		header:     header,
		body:       input,
		repeatable: options.IdempotencyKey != "",
	})
	// Another server may answer 200 to anything, also with an id of the request.
	mark := "X-Function-Version"
	if err == nil && answer.status == http.StatusAccepted {
		mark = "X-Request-Id"
	}
	if err == nil && answer.header.Get(mark) == "" {
		return nil, notOfThisAPI(answer.status, nil)
	}
	return answer, err
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
