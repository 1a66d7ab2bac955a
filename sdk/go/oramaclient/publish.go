package oramaclient

import (
	"context"
	"encoding/json"
	"net/http"
)

// Message is a message of a batch. Data is any value that json.Marshal accepts; json.RawMessage is
// sent verbatim, and Bytes as Base64.
type Message struct {
	Topic string
	Data  any
}

// Bytes are published unchanged and need not be text.
type Bytes []byte

// Publish publishes a message and returns the number of triggers that it fired once it is durable.
func (c *Client) Publish(ctx context.Context, topic string, data any) (int, error) {
	var reply struct {
		Triggered int `json:"triggered"`
	}
	err := c.publish(ctx, "/v1/pubsub/publish", written(Message{topic, data}), &reply)
	return reply.Triggered, err
}

// PublishBatch publishes 1 to 1,000 messages atomically.
func (c *Client) PublishBatch(ctx context.Context, messages []Message) error {
	list := make([]map[string]any, len(messages))
	for at, message := range messages {
		list[at] = written(message)
	}
	return c.publish(ctx, "/v1/pubsub/publish/batch", map[string]any{"messages": list}, &struct{}{})
}

func (c *Client) publish(ctx context.Context, path string, value map[string]any, into any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return c.sendJSON(ctx, call{method: http.MethodPost, path: path, header: header, body: body}, into)
}

func written(message Message) map[string]any {
	if data, isBytes := message.Data.(Bytes); isBytes {
		return map[string]any{"topic": message.Topic, "data_base64": []byte(data)}
	}
	return map[string]any{"topic": message.Topic, "data": message.Data}
}
