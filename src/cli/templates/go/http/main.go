package main

import (
	"encoding/json"

	"function/orama"
)

// main runs once per invocation, in an instance of its own. The body of an HTTP request and the input of any other
// invocation are the same. orama/oramahttp runs a net/http handler or a router instead.
func main() {
	body, _ := orama.Input()
	var input struct {
		Name string `json:"name"`
	}
	// An empty body, or one that is no JSON, names nobody.
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
