package main

import (
	"encoding/json"
	"os"

	"function/orama"
)

// event is the input of a function that is triggered by a topic.
type event struct {
	Topic string `json:"topic"`
	Data  struct {
		Name string `json:"name"`
	} `json:"data"`
}

// main runs once per event, in its own instance: stdin contains the event, stdout is the output.
func main() {
	input, _ := orama.Input()
	var in event
	if err := json.Unmarshal(input, &in); err != nil || in.Data.Name == "" {
		orama.LogError("expected an event whose data has a name, and got: " + string(input))
		os.Exit(65) // exit codes 64–78 are not retried: the input is invalid
	}
	count := orama.CacheIncrement("guests:"+in.Data.Name, 1)
	greeting := orama.Env("GREETING") + ", " + in.Data.Name + "!"
	orama.LogInfo(in.Topic + ": " + greeting)
	if err := orama.Publish("guests:greeted", map[string]any{"greeting": greeting, "count": count}); err != nil {
		os.Exit(1) // any other exit code is retried as configured in function.yaml
	}
	_ = orama.Output(map[string]int64{"count": count})
}
