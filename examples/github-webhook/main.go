// Takes GitHub's webhooks: keeps a row of each delivery, publishes it as an event, and passes it on to another server.
// The engine has checked the signature before this runs, and runs it once per delivery; a failure is retried.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	orama "orama/sdk-go"
)

// delivery has the parts of GitHub's payloads that most events share.
type delivery struct {
	Action     string `json:"action"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
}

const (
	retry  = 1
	refuse = 65 // 64–78 refuse a retry: bad input stays bad.
)

func main() {
	body, _ := orama.Input()
	request := orama.Request()
	if request == nil {
		end(refuse, "expected a webhook over HTTP")
	}
	id, event := request.Headers["x-github-delivery"], request.Headers["x-github-event"]
	var payload delivery
	if err := json.Unmarshal(body, &payload); err != nil || id == "" || event == "" {
		end(refuse, fmt.Sprintf("delivery %q of event %q is none of GitHub's", id, event))
	}

	// An attempt after the first finds the row of the one before.
	if err := keep(id, event, payload); err != nil {
		end(retry, "the row was not written: "+err.Error())
	}
	if err := forward(id, event, body); err != nil {
		end(retry, err.Error())
	}
	message := map[string]string{
		"delivery":   id,
		"action":     payload.Action,
		"repository": payload.Repository.FullName,
		"sender":     payload.Sender.Login,
	}
	if err := orama.Publish("github:"+event, message); err != nil {
		end(retry, "the event was not published: "+err.Error())
	}
	orama.LogInfo(event + " of " + payload.Repository.FullName)
}

func keep(id, event string, payload delivery) error {
	_, err := orama.Execute(`CREATE TABLE IF NOT EXISTS github_deliveries (
		id TEXT PRIMARY KEY, event TEXT NOT NULL, action TEXT, repository TEXT, sender TEXT)`)
	if err != nil {
		return err
	}
	_, err = orama.Execute(
		"INSERT OR IGNORE INTO github_deliveries (id, event, action, repository, sender) VALUES (?, ?, ?, ?, ?)",
		id, event, payload.Action, payload.Repository.FullName, payload.Sender.Login,
	)
	return err
}

// forward passes the body on as it came. The receiver sees the same key in each attempt.
func forward(id, event string, body []byte) error {
	headers := map[string]string{
		"content-type":    "application/json",
		"idempotency-key": id,
		"x-github-event":  event,
	}
	response, err := orama.Fetch("POST", orama.Env("FORWARD_URL"), headers, body)
	if err != nil {
		return fmt.Errorf("the receiver was not reached: %w", err)
	}
	if response.Status >= 500 {
		return fmt.Errorf("the receiver answered %d", response.Status)
	}
	if response.Status >= 400 {
		end(refuse, fmt.Sprintf("the receiver refused it with %d", response.Status))
	}
	return nil
}

func end(code int, why string) {
	orama.LogError(why)
	os.Exit(code)
}
