// Package oramaclient is a client of an Orama Functions engine. It uses only the standard library.
//
// It is for callers of functions. For the code of functions, see the parent package.
package oramaclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	defaultRetries = 4
	defaultTimeout = 300 * time.Second
	firstPause     = 250 * time.Millisecond
	longestPause   = 30 * time.Second
	// Rates are counted by the minute. A quota may be used up for hours, which are not waited for.
	longestRetryAfter = time.Minute
	// The largest response is a page of invocations: 500 inputs and outputs of 64 KB, escaped.
	mostReplyBytes = 512 << 20
)

// Options are the address of the engine and the credential. URL is required.
type Options struct {
	// URL is the engine's URL, such as https://functions.example.com.
	URL string
	// APIKey is the credential. Without APIKey and Token, only public functions can be called.
	APIKey string
	// Token is a JWT, instead of an API key.
	Token string
	// Namespace is that of anonymous calls; a credential determines its own.
	Namespace string
	// Retries is the maximum number of retries after 429, 503 or no response, where these are safe:
	// 4 if 0, none if negative.
	Retries int
	// HTTPClient replaces the default client, which has a timeout of 300 seconds. It must not
	// follow redirects, since the credential would be sent to their target. Subscriptions use its
	// Transport.
	HTTPClient *http.Client
}

// Client is a client of one engine with one credential. It is safe for concurrent use.
type Client struct {
	options Options
	http    *http.Client
	retries int
}

// New returns a client. It keeps nothing open except for subscriptions.
func New(options Options) (*Client, error) {
	address, err := url.Parse(strings.TrimRight(options.URL, "/"))
	if err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Host == "" {
		return nil, fmt.Errorf("orama: the URL must look like https://functions.example.com, not %q", options.URL)
	}
	options.URL = address.String()
	client := &Client{options: options, http: options.HTTPClient, retries: options.Retries}
	if client.retries == 0 {
		client.retries = defaultRetries
	}
	if client.http == nil {
		client.http = &http.Client{
			Timeout:       defaultTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return client, nil
}

// resolved matches paths with a segment that is empty, "." or "..".
var resolved = regexp.MustCompile(`/\.{0,2}(/|$)`)

type call struct {
	method string
	path   string
	query  url.Values
	header http.Header
	body   []byte
	// Whether the call may be sent again if there is no response, in which case it may have been
	// received.
	repeatable bool
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// send sends a call with retries where these are safe, and returns errors of the engine as *Error.
func (c *Client) send(ctx context.Context, call call) (*reply, error) {
	// http.Client resolves no "." and "..", but proxies do: purging the function "." would delete the
	// function "dead".
	if resolved.MatchString(call.path) {
		return nil, &Error{Code: CodeInvalidRequest, Message: `a name or an id may not be empty, "." or ".."`}
	}
	for tried := 0; ; tried++ {
		answer, err := c.attempt(ctx, call)
		if err == nil {
			return answer, nil
		}
		var failed *Error
		if tried >= c.retries || !errors.As(err, &failed) || !mayRepeat(failed, call) {
			return nil, err
		}
		if err := sleep(ctx, pauseBefore(tried, failed.RetryAfter)); err != nil {
			return nil, err
		}
	}
}

func (c *Client) attempt(ctx context.Context, call call) (*reply, error) {
	request, err := http.NewRequestWithContext(ctx, call.method, c.address(call.path, call.query), bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	for name, values := range call.header {
		request.Header[name] = values
	}
	c.authenticate(request.Header)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostReplyBytes))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode >= 300 {
		return nil, failure(response, body)
	}
	return &reply{status: response.StatusCode, header: response.Header, body: body}, nil
}

// sendJSON sends a call and decodes its response. Numbers are kept as text.
func (c *Client) sendJSON(ctx context.Context, call call, into any) error {
	answer, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	if err := decode(answer.body, into); err != nil {
		return notOfThisAPI(answer.status, err)
	}
	return nil
}

func (c *Client) address(path string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	if c.options.Namespace != "" {
		query.Set("namespace", c.options.Namespace)
	}
	if len(query) == 0 {
		return c.options.URL + path
	}
	return c.options.URL + path + "?" + query.Encode()
}

func (c *Client) authenticate(header http.Header) {
	if c.options.APIKey != "" {
		header.Set("X-API-Key", c.options.APIKey)
	} else if c.options.Token != "" {
		header.Set("Authorization", "Bearer "+c.options.Token)
	}
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{Code: CodeUnreachable, Message: "the engine at " + c.options.URL + " did not answer: " + err.Error(), cause: err}
}

// mayRepeat returns whether a failed call may be sent again. After 429, and after 503 of the engine,
// nothing was accepted, except if the store has not reported whether a write took place. 502, 503
// and 504 of a proxy mean that the engine did not answer it.
func mayRepeat(err *Error, call call) bool {
	if err.RetryAfter > longestRetryAfter || ofCertificate(err) {
		return false
	}
	ofProxy := err.Status == http.StatusBadGateway ||
		(err.Code == CodeInternal && (err.Status == http.StatusServiceUnavailable || err.Status == http.StatusGatewayTimeout))
	if err.Code == CodeUnreachable || ofProxy {
		return call.repeatable
	}
	return err.Status == http.StatusTooManyRequests ||
		(err.Status == http.StatusServiceUnavailable && (call.repeatable || err.Code != CodeAmbiguousWrite))
}

// pauseBefore returns the engine's Retry-After, or else an exponential backoff; with jitter, to
// spread concurrent callers.
func pauseBefore(tried int, retryAfter time.Duration) time.Duration {
	pause := retryAfter
	if pause == 0 {
		pause = min(firstPause<<min(tried, 16), longestPause)
	}
	return pause + time.Duration(rand.Int64N(int64(pause/4)+1))
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func decode(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	// Decoding into an interface would round integers beyond 2^53.
	decoder.UseNumber()
	return decoder.Decode(into)
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
