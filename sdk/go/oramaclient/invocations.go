package oramaclient

import (
	"context"
	"encoding/json"
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

// InvocationFilter says which invocations to list; the zero value all.
type InvocationFilter struct {
	Function string
	// Status is a state, such as "running" or "dead".
	Status string
	// Reason is what dead ones died of: error, timeout, expired or worker_died.
	Reason string
	// ParentID is the invocation that caused them.
	ParentID string
	Since    time.Time
	Before   time.Time
	// PageSize is how many are asked for at once: 50.
	PageSize int
}

// InputBytes is the input while it is kept.
func (i *Invocation) InputBytes() []byte { return bytesOf(i.Input, i.InputBase64) }

// OutputBytes is the output while it is kept.
func (i *Invocation) OutputBytes() []byte { return bytesOf(i.Output, i.OutputBase64) }

// Ended says whether it will not run again.
func (i *Invocation) Ended() bool {
	switch i.State {
	case "success", "error", "timeout", "dead", "cancelled":
		return true
	}
	return false
}

// Invocations lists those that have not ended, then the ended ones, newest first; page after page.
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

// Invocation shows one.
func (c *Client) Invocation(ctx context.Context, requestID string) (*Invocation, error) {
	var found Invocation
	err := c.sendJSON(ctx, call{method: http.MethodGet, path: pathOf(requestID), repeatable: true}, &found)
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// Wait asks until an invocation has ended, in whatever way, or the context ends.
func (c *Client) Wait(ctx context.Context, requestID string) (*Invocation, error) {
	for pause := firstPoll; ; pause = min(pause*3/2, longestPoll) {
		found, err := c.Invocation(ctx, requestID)
		if err != nil || found.Ended() {
			return found, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// Cancel cancels one that is queued or running.
func (c *Client) Cancel(ctx context.Context, requestID string) error {
	_, err := c.send(ctx, call{method: http.MethodDelete, path: pathOf(requestID)})
	return err
}

// ReplayOptions are of a replay; the zero value has none.
type ReplayOptions struct {
	// Newest: on the newest version in place of the one it was accepted for.
	Newest bool
	// Input in place of its own.
	Input []byte
}

// Replay runs one that has ended again and returns the id of the new one.
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

// DeadLetters lists the invocations that failed for good and nobody waited for.
func (c *Client) DeadLetters(ctx context.Context, filter InvocationFilter) iter.Seq2[*Invocation, error] {
	filter.Status = "dead"
	return c.Invocations(ctx, filter)
}

// ReplayDead runs all dead invocations of a function again and returns how many.
func (c *Client) ReplayDead(ctx context.Context, function string, options ReplayOptions) (int, error) {
	return c.count(ctx, call{
		method: http.MethodPost, path: deadPath(function) + "/replay", query: versionQuery(options.Newest),
	})
}

// PurgeDead forgets all dead invocations of a function and returns how many.
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
