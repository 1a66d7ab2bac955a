package oramaclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// Invoke invokes a function ("name", "name@version" or "name@alias") and returns its result. If the
// engine answers before the invocation has ended, Invoke waits for its end until the context is done:
// with IdempotencyKey by repeating the call, and otherwise by polling, for which the credential needs
// the scope "read". Its errors are Accepted from then on.
func (c *Client) Invoke(ctx context.Context, name string, input []byte, options InvokeOptions) (*Result, error) {
	header := options.header()
	header.Set("Accept", "application/octet-stream")
	header.Set("Prefer", "wait="+strconv.Itoa(waitSeconds))
	answer, err := c.post(ctx, name, input, header, options)
	if err != nil {
		return nil, err
	}
	if answer.status != http.StatusAccepted {
		return answered(answer), nil
	}
	id := answer.header.Get("X-Request-Id")
	if options.IdempotencyKey != "" {
		answer, err = c.repeat(ctx, func() (*reply, error) { return c.post(ctx, name, input, header, options) })
		if err != nil {
			return nil, afterAcceptance(err, id)
		}
		return answered(answer), nil
	}
	ended, err := c.Wait(ctx, id)
	if err != nil {
		return nil, afterAcceptance(err, id)
	}
	result, err := resultOf(ended)
	return result, afterAcceptance(err, id)
}

// repeat repeats a call with an idempotency key, which needs no right to read, until it is answered.
func (c *Client) repeat(ctx context.Context, post func() (*reply, error)) (*reply, error) {
	due := firstPoll
	for pause := firstPoll; ; pause = min(pause*3/2, longestPoll) {
		if err := sleep(ctx, due); err != nil {
			return nil, err
		}
		due = pause
		answer, err := post()
		if after, refused := refusedFor(err); refused {
			due = max(pause, after)
		} else if err != nil || answer.status != http.StatusAccepted {
			return answer, err
		}
	}
}

// afterAcceptance adds the id to an error that says nothing about how the accepted invocation ended.
func afterAcceptance(err error, id string) error {
	var failed *Error
	if err == nil || errors.As(err, &failed) && failed.OfFunction() {
		return err
	}
	unknown := &Error{Code: CodeUnreachable, Message: err.Error(), RequestID: id, Accepted: true, cause: err}
	if failed != nil {
		unknown.Code, unknown.Message = failed.Code, failed.Message
		unknown.Status, unknown.RetryAfter = failed.Status, failed.RetryAfter
	}
	unknown.Message = "the invocation was accepted, but its result is unknown: " + unknown.Message
	return unknown
}

func answered(answer *reply) *Result {
	attempts, _ := strconv.Atoi(answer.header.Get("X-Attempts"))
	version, _ := strconv.ParseInt(answer.header.Get("X-Function-Version"), 10, 64)
	ms, _ := strconv.ParseFloat(answer.header.Get("X-Duration-Ms"), 64)
	return &Result{
		RequestID: answer.header.Get("X-Request-Id"),
		Output:    answer.body,
		Attempts:  attempts,
		Version:   version,
		Duration:  milliseconds(ms),
	}
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
	output := ended.OutputBytes()
	if output == nil && ended.OutputSize != nil && *ended.OutputSize > 0 {
		message := fmt.Sprintf("it succeeded, but its output of %d bytes is not kept any more", *ended.OutputSize)
		return nil, &Error{Code: CodeNotFound, Message: message, Status: http.StatusAccepted, RequestID: ended.RequestID}
	}
	result := &Result{
		RequestID: ended.RequestID,
		Output:    output,
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
	// Absent in the records of earlier engines.
	if ended.Code != nil {
		failed.Code = ErrorCode(*ended.Code)
	}
	return failed
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
