// A call has been placed: wake the callee's phones with a push message, so that they ring.
//
// Fired by the topic calls:invite with {"calleeId","callerName","callType"}. It needs a table
//
//	CREATE TABLE devices (user_id TEXT, push_token TEXT, device_type TEXT)
//
// in the namespace's database and the secrets FCM_SERVER_KEY (Android) and APNS_KEY_PEM (iOS).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	orama "orama/sdk-go"
)

// Exit codes 64–78 refuse a retry: bad input stays bad. 1 is retried.
const (
	exitBadInput = 65
	exitRetry    = 1
)

type event struct {
	Topic string `json:"topic"`
	Data  invite `json:"data"`
}

type invite struct {
	CalleeID   string `json:"calleeId"`
	CallerName string `json:"callerName"`
	CallType   string `json:"callType"`
}

type device struct {
	PushToken  string `json:"push_token"`
	DeviceType string `json:"device_type"`
}

func main() {
	var in event
	if err := orama.InputJSON(&in); err != nil {
		fail(exitBadInput, "input is no JSON event: "+err.Error())
	}
	call := in.Data
	if call.CalleeID == "" {
		fail(exitBadInput, "calleeId is missing")
	}

	var devices []device
	err := orama.Query(&devices, "SELECT push_token, device_type FROM devices WHERE user_id = ?", call.CalleeID)
	if err != nil {
		fail(exitRetry, "devices cannot be read: "+err.Error())
	}
	if len(devices) == 0 {
		orama.LogInfo("no device registered for " + call.CalleeID)
		orama.Output(map[string]any{"status": "no_devices", "callee": call.CalleeID})
		return
	}

	for _, d := range devices {
		if err := push(d, call); err != nil {
			fail(exitRetry, err.Error())
		}
	}
	orama.LogInfo(fmt.Sprintf("%s call of %s pushed to %d device(s) of %s",
		call.CallType, call.CallerName, len(devices), call.CalleeID))
	orama.Output(map[string]any{"status": "sent", "callee": call.CalleeID})
}

func push(d device, call invite) error {
	headers := map[string]string{"Content-Type": "application/json"}
	if d.DeviceType == "ios" {
		token, err := apnsToken(orama.Secret("APNS_KEY_PEM"), orama.Env("APNS_KEY_ID"), orama.Env("APNS_TEAM_ID"), time.Now())
		if err != nil {
			return err
		}
		headers["Authorization"] = "bearer " + token
		headers["apns-push-type"] = "voip"
	} else {
		headers["Authorization"] = "key=" + orama.Secret("FCM_SERVER_KEY")
	}
	body, err := json.Marshal(map[string]any{"to": d.PushToken, "priority": "high", "data": call})
	if err != nil {
		return err
	}
	response, err := orama.Fetch("POST", orama.Env("PUSH_URL"), headers, body)
	if err != nil {
		return err
	}
	if response.Status >= 300 {
		return fmt.Errorf("push service answered %d: %s", response.Status, response.Body)
	}
	return nil
}

func fail(code int, message string) {
	orama.LogError(message)
	os.Exit(code)
}
