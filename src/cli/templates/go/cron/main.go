package main

import (
	"encoding/json"
	"os"

	"function/orama"
)

// run is the input of a scheduled function.
type run struct {
	ScheduledAt string `json:"scheduled_at"`
}

// main runs once per scheduled run, in its own instance: stdin contains the run, stdout is the
// output.
func main() {
	input, _ := orama.Input()
	var in run
	if err := json.Unmarshal(input, &in); err != nil || in.ScheduledAt == "" {
		orama.LogError("expected a scheduled run, and got: " + string(input))
		os.Exit(65) // exit codes 64–78 are not retried: the input is invalid
	}
	runs := orama.CacheIncrement("runs", 1)
	orama.LogInfo(orama.Env("GREETING") + ", due at " + in.ScheduledAt)
	_ = orama.Output(map[string]int64{"runs": runs})
}
