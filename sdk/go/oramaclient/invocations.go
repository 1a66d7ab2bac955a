package oramaclient

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	firstPoll   = 100 * time.Millisecond
	longestPoll = 5 * time.Second
)

// InvocationFilter selects invocations; the zero value selects all.
type InvocationFilter struct {
	Function string
	// Status is a state, such as "running" or "dead".
	Status string
	// Reason selects dead letters: error, timeout, expired or worker_died.
	Reason string
	// ParentID is the invocation that caused them.
	ParentID string
	Since    time.Time
	Before   time.Time
	// PageSize is the number of invocations per page; 50 if 0.
	PageSize int
}

// InputBytes returns the input, as long as it is kept.
func (i *Invocation) InputBytes() []byte { return bytesOf(i.Input, i.InputBase64) }

// OutputBytes returns the output, as long as it is kept.
func (i *Invocation) OutputBytes() []byte { return bytesOf(i.Output, i.OutputBase64) }

// Ended returns whether the state is final.
func (i *Invocation) Ended() bool {
	switch i.State {
	case "success", "error", "timeout", "dead", "cancelled":
		return true
	}
	return false
}

// Invocations iterates over live invocations, then over ended ones, newest first. Fetches them in
// pages.
func (c *Client) Invocations(ctx context.Context, filter InvocationFilter) iter.Seq2[*Invocation, error] {
	return func(yield func(*Invocation, error) bool) {
		query := filter.query()
		for {
			var page struct {
				Invocations []*Invocation `json:"invocations"`
				NextCursor  *string       `json:"next_cursor"`
			}
			call := call{method: http.MethodGet, path: "/v1/invocations", query: query, repeatable: true}
			if err := c.sendJSON(ctx, call, &page); err != nil {
				yield(nil, err)
				return
			}
			for _, one := range page.Invocations {
				if !yield(one, nil) {
					return
				}
			}
			if page.NextCursor == nil {
				return
			}
			query.Set("cursor", *page.NextCursor)
		}
	}
}

func (f InvocationFilter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"function": f.Function, "status": f.Status, "reason": f.Reason, "parent_id": f.ParentID,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !f.Since.IsZero() {
		query.Set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	if !f.Before.IsZero() {
		query.Set("before", f.Before.UTC().Format(time.RFC3339Nano))
	}
	if f.PageSize > 0 {
		query.Set("limit", strconv.Itoa(f.PageSize))
	}
	return query
}

func pathOf(requestID string) string { return "/v1/invocations/" + url.PathEscape(requestID) }

// Invocation returns an invocation.
func (c *Client) Invocation(ctx context.Context, requestID string) (*Invocation, error) {
	var found Invocation
	err := c.sendJSON(ctx, call{method: http.MethodGet, path: pathOf(requestID), repeatable: true}, &found)
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// Wait polls until an invocation has ended in any state or the context is done.
func (c *Client) Wait(ctx context.Context, requestID string) (*Invocation, error) {
	for pause := firstPoll; ; pause = min(pause*3/2, longestPoll) {
		due := pause
		found, err := c.Invocation(ctx, requestID)
		if after, refused := refusedFor(err); refused {
			due = max(pause, after)
		} else if err != nil || found.Ended() {
			return found, err
		}
		if err := sleep(ctx, due); err != nil {
			return nil, err
		}
	}
}

// refusedFor returns for how long a request was refused, if that is short. A refusal to read an
// invocation says nothing about it: it was accepted.
func refusedFor(err error) (time.Duration, bool) {
	var failed *Error
	if !errors.As(err, &failed) || failed.Status != http.StatusTooManyRequests || failed.RetryAfter > longestRetryAfter {
		return 0, false
	}
	return pauseBefore(0, failed.RetryAfter), true
}

// Cancel cancels an invocation that is queued or running.
func (c *Client) Cancel(ctx context.Context, requestID string) error {
	_, err := c.send(ctx, call{method: http.MethodDelete, path: pathOf(requestID)})
	return err
}

// ReplayOptions are the options of a replay.
type ReplayOptions struct {
	// Newest selects the newest version instead of the original one.
	Newest bool
	// Input replaces the original input.
	Input []byte
}

// Replay replays an ended invocation and returns the id of the new one.
func (c *Client) Replay(ctx context.Context, requestID string, options ReplayOptions) (string, error) {
	again := call{method: http.MethodPost, path: pathOf(requestID) + "/replay", query: versionQuery(options.Newest)}
	if options.Input != nil {
		body, err := json.Marshal(map[string][]byte{"input_base64": options.Input})
		if err != nil {
			return "", err
		}
		again.body, again.header = body, http.Header{"Content-Type": {"application/json"}}
	}
	var made struct {
		RequestID string `json:"request_id"`
	}
	err := c.sendJSON(ctx, again, &made)
	return made.RequestID, err
}

// DeadLetters iterates over dead letters: invocations that failed permanently while no caller was waiting.
func (c *Client) DeadLetters(ctx context.Context, filter InvocationFilter) iter.Seq2[*Invocation, error] {
	filter.Status = "dead"
	return c.Invocations(ctx, filter)
}

// ReplayDead replays all dead letters of a function and returns their number.
func (c *Client) ReplayDead(ctx context.Context, function string, options ReplayOptions) (int, error) {
	return c.count(ctx, call{
		method: http.MethodPost, path: deadPath(function) + "/replay", query: versionQuery(options.Newest),
	})
}

// PurgeDead deletes all dead letters of a function and returns their number.
func (c *Client) PurgeDead(ctx context.Context, function string) (int, error) {
	return c.count(ctx, call{method: http.MethodDelete, path: deadPath(function), repeatable: true})
}

func (c *Client) count(ctx context.Context, call call) (int, error) {
	var reply struct {
		Count int `json:"count"`
	}
	err := c.sendJSON(ctx, call, &reply)
	return reply.Count, err
}

func deadPath(function string) string { return "/v1/functions/" + url.PathEscape(function) + "/dead" }

func versionQuery(newest bool) url.Values {
	if newest {
		return url.Values{"version": {"newest"}}
	}
	return nil
}
