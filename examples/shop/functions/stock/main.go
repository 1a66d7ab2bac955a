// Counts what leaves the stock.
package main

import (
	"os"

	orama "orama/sdk-go"
)

type event struct {
	Data struct {
		ID    string `json:"id"`
		Item  string `json:"item"`
		Count int64  `json:"count"`
	} `json:"data"`
}

func main() {
	var placed event
	if err := orama.InputJSON(&placed); err != nil || placed.Data.Item == "" {
		orama.LogError("the event has no item")
		// 64–78 refuse a retry: bad input stays bad.
		os.Exit(65)
	}
	sold := orama.CacheIncrement("sold:"+placed.Data.Item, placed.Data.Count)
	orama.Output(map[string]any{"item": placed.Data.Item, "sold": sold})
}
