package main

import (
	"os"

	"function/orama"
)

type input struct {
	Name string `json:"name"`
}

// main runs once per invocation, in an instance of its own: stdin is the input, stdout the output.
func main() {
	in := input{Name: "World"}
	if err := orama.InputJSON(&in); err != nil {
		orama.LogError("input is no JSON: " + err.Error())
		os.Exit(65) // 64–78 refuse a retry: bad input stays bad.
	}
	orama.LogInfo("greeting " + in.Name)
	orama.Output(map[string]string{"greeting": "Hello, " + in.Name + "!"})
}
