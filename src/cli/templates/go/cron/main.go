package main

import (
	"encoding/json"
	"os"

	"function/orama"
)

// run is the input of a function that a schedule fires.
type run struct {
	ScheduledAt string `json:"scheduled_at"`
}

// main runs once per schedule, in an instance of its own: stdin is the run, stdout the output.
func main() {
	input, _ := orama.Input()
	var in run
	if err := json.Unmarshal(input, &in); err != nil || in.ScheduledAt == "" {
		orama.LogError("expected a scheduled run, and got: " + string(input))
		os.Exit(65) // 64–78 refuse a retry: bad input stays bad.
	}
	runs := orama.CacheIncrement("runs", 1)
	orama.LogInfo(orama.Env("GREETING") + ", due at " + in.ScheduledAt)
	_ = orama.Output(map[string]int64{"runs": runs})
}
