package oramaclient

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// Types of events.
const (
	// EventOpen: connected or reconnected. Messages published while disconnected are lost.
	EventOpen = "open"
	// EventMessage: a message of the topic.
	EventMessage = "message"
	// EventJoin and EventLeave: another member has joined or left, with Presence.
	EventJoin  = "join"
	EventLeave = "leave"
)

// Event is an event of a subscription.
type Event struct {
	Type      string
	Topic     string
	Data      []byte
	MemberID  string
	Meta      json.RawMessage
	Timestamp time.Time
}

// JSON decodes the data of a message into v. Numbers in an interface are json.Number and hence
// exact.
func (e *Event) JSON(v any) error { return decode(e.Data, v) }

// SubscribeOptions are the options of a subscription.
type SubscribeOptions struct {
	// Presence joins the topic as a member that others see, and enables their join and leave
	// events.
	Presence   bool
	MemberID   string
	MemberMeta any
}

// Subscribe yields the messages of a topic from now on, until the context is done. It reconnects
// automatically. An error is the last event and means that reconnecting cannot succeed.
func (c *Client) Subscribe(ctx context.Context, topic string, options SubscribeOptions) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		address, err := c.socketAddress(topic, options)
		if err != nil {
			yield(nil, err)
			return
		}
		for failures := 0; ctx.Err() == nil; failures++ {
			opened, goOn, err := c.hear(ctx, address, yield)
			if !goOn {
				return
			}
			if opened {
				failures = 0
			}
			var refused *Error
			// Also of a server that answers with a redirect or a page.
			if errors.As(err, &refused) && (ofCertificate(refused) || refused.Status > 0 &&
				refused.Status < 500 && refused.Status != http.StatusTooManyRequests) {
				yield(nil, err)
				return
			}
			pause := min(firstPause<<min(failures, 16), longestPause)
			if sleep(ctx, pause/2+time.Duration(rand.Int64N(int64(pause/2)))) != nil {
				return
			}
		}
	}
}

// hear yields the events of one connection until it ends.
func (c *Client) hear(ctx context.Context, address string, yield func(*Event, error) bool) (opened, goOn bool, err error) {
	header := http.Header{}
	c.authenticate(header)
	transport := c.http.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	socket, err := dialSocket(ctx, transport, address, header)
	if err != nil {
		return false, true, err
	}
	defer socket.close()
	stop := context.AfterFunc(ctx, socket.close)
	defer stop()
	if !yield(&Event{Type: EventOpen, Timestamp: time.Now()}, nil) {
		return true, false, nil
	}
	for {
		text, err := socket.read()
		if err != nil {
			return true, true, err
		}
		event, err := readEvent(text)
		if err != nil {
			return true, true, err
		}
		if event != nil && ctx.Err() == nil && !yield(event, nil) {
			return true, false, nil
		}
	}
}

func (c *Client) socketAddress(topic string, options SubscribeOptions) (string, error) {
	query := url.Values{"topic": {topic}}
	if options.Presence {
		query.Set("presence", "true")
	}
	if options.MemberID != "" {
		query.Set("member_id", options.MemberID)
	}
	if options.MemberMeta != nil {
		meta, err := json.Marshal(options.MemberMeta)
		if err != nil {
			return "", err
		}
		query.Set("member_meta", string(meta))
	}
	return c.address("/v1/pubsub/ws", query), nil
}

func readEvent(text []byte) (*Event, error) {
	var frame struct {
		Type      string          `json:"type"`
		Data      *[]byte         `json:"data"`
		Topic     string          `json:"topic"`
		MemberID  string          `json:"member_id"`
		Meta      json.RawMessage `json:"meta"`
		Timestamp int64           `json:"timestamp"`
	}
	if err := json.Unmarshal(text, &frame); err != nil {
		return nil, err
	}
	event := &Event{Topic: frame.Topic, MemberID: frame.MemberID, Meta: frame.Meta, Timestamp: time.UnixMilli(frame.Timestamp)}
	switch {
	case frame.Type == "presence.join":
		event.Type = EventJoin
	case frame.Type == "presence.leave":
		event.Type = EventLeave
	case frame.Data != nil:
		event.Type, event.Data = EventMessage, *frame.Data
	default:
		return nil, nil
	}
	return event, nil
}
