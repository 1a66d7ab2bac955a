package main

import (
	"encoding/json"

	"function/orama"
)

// main runs once per invocation, in its own instance. stdin contains the body of an HTTP request or
// the input of any other invocation. To run a net/http handler or a router, use orama/oramahttp.
func main() {
	body, _ := orama.Input()
	var input struct {
		Name string `json:"name"`
	}
	// If the body is empty or not JSON, the name stays empty.
	_ = json.Unmarshal(body, &input)
	if request := orama.Request(); request != nil && input.Name == "" && len(request.Query["name"]) > 0 {
		input.Name = request.Query["name"][0]
	}
	if input.Name == "" {
		input.Name = "World"
	}
	orama.LogInfo("greeting " + input.Name)
	_ = orama.Respond(200, map[string]any{"content-type": "application/json"})
	_ = orama.Output(map[string]string{"greeting": orama.Env("GREETING") + ", " + input.Name + "!"})
}
