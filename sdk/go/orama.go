//go:build wasip1 || wasm

// Package orama contains the functions of the engine. It has no dependencies and supports the
// standard Go toolchain (1.24 or newer, GOOS=wasip1 GOARCH=wasm) and TinyGo.
//
// A failed call returns an error, and its reason is written to the invocation's log.
package orama

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// ErrFailed is returned by a host call that failed. The reason is in the invocation's log.
var ErrFailed = errors.New("orama: the host call failed; the invocation's log says why")

// Input reads the invocation's whole input.
func Input() ([]byte, error) { return io.ReadAll(os.Stdin) }

// InputJSON decodes the invocation's input into v.
func InputJSON(v any) error {
	data, err := Input()
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Output writes v as JSON to the invocation's output.
func Output(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(data)
	return err
}

// CallerWallet returns the wallet of the caller's JWT; empty for API keys, public calls and events.
func CallerWallet() string { return string(take(hostGetCallerWallet())) }

// RequestID returns the id of this invocation.
func RequestID() string { return string(take(hostGetRequestID())) }

// Env returns a value of env in function.yaml; empty if there is none.
func Env(key string) string {
	p, n := text(key)
	r := hostGetEnv(p, n)
	runtime.KeepAlive(key)
	return string(take(r))
}

// Secret returns a secret of the function's namespace; empty if there is none.
func Secret(name string) string {
	p, n := text(name)
	r := hostGetSecret(p, n)
	runtime.KeepAlive(name)
	return string(take(r))
}

// Query runs a SELECT and decodes its rows into dest, a pointer to a slice of structs or maps.
func Query(dest any, sql string, args ...any) error {
	list, err := argsJSON(args)
	if err != nil {
		return err
	}
	sp, sn := text(sql)
	ap, an := blob(list)
	r := hostDBQuery(sp, sn, ap, an)
	runtime.KeepAlive(sql)
	runtime.KeepAlive(list)
	rows := take(r)
	if len(rows) == 0 {
		return ErrFailed
	}
	return json.Unmarshal(rows, dest)
}

// Execute runs INSERT, UPDATE, DELETE or DDL and returns the number of affected rows.
func Execute(sql string, args ...any) (int, error) {
	list, err := argsJSON(args)
	if err != nil {
		return 0, err
	}
	sp, sn := text(sql)
	ap, an := blob(list)
	affected := hostDBExecute(sp, sn, ap, an)
	runtime.KeepAlive(sql)
	runtime.KeepAlive(list)
	if affected < 0 {
		return 0, ErrFailed
	}
	return int(affected), nil
}

// CacheGet returns the value of a key; nil on a miss.
func CacheGet(key string) []byte {
	p, n := text(key)
	r := hostCacheGet(p, n)
	runtime.KeepAlive(key)
	return take(r)
}

// CacheSet stores a value for ttl, in whole seconds; 0 means no expiry, until it is evicted. A
// negative ttl stores nothing.
func CacheSet(key string, value []byte, ttl time.Duration) {
	kp, kn := text(key)
	vp, vn := blob(value)
	whole := seconds(ttl)
	if ttl < 0 {
		// What has expired half a second ago must not be kept for ever.
		whole = min(whole, -1)
	}
	hostCacheSet(kp, kn, vp, vn, whole)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
}

// CacheIncrement adds delta to a counter atomically and returns the new value. A missing key counts
// as 0.
func CacheIncrement(key string, delta int64) int64 {
	p, n := text(key)
	value := hostCacheIncrBy(p, n, delta)
	runtime.KeepAlive(key)
	return value
}

// CacheDelete deletes a key and returns whether it existed.
func CacheDelete(key string) bool {
	p, n := text(key)
	was := hostCacheDelete(p, n)
	runtime.KeepAlive(key)
	return was == 1
}

// Response is an HTTP response. Body contains the exact bytes, which need not be UTF-8.
type Response struct {
	Status  int     `json:"status"`
	Headers Headers `json:"headers"`
	Body    string  `json:"body"`
	Error   string  `json:"error"`
	// SetCookies are the values of set-cookie, which cannot be joined like other headers.
	SetCookies []string `json:"-"`
}

// UnmarshalJSON also decodes body_base64, which is used for a body that is not UTF-8.
func (r *Response) UnmarshalJSON(data []byte) error {
	type plain Response
	wire := struct {
		*plain
		BodyBase64 []byte `json:"body_base64"`
		Headers    struct {
			SetCookie []string `json:"set-cookie"`
		} `json:"headers"`
	}{}
	wire.plain = (*plain)(r)
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.BodyBase64 != nil {
		r.Body = string(wire.BodyBase64)
	}
	r.SetCookies = wire.Headers.SetCookie
	named := struct {
		Headers Headers `json:"headers"`
	}{}
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	r.Headers = named.Headers
	return nil
}

// Headers are keyed by lower-case name; several values of one name are joined with ", ".
type Headers map[string]string

// UnmarshalJSON decodes a header's value from a string or a list of strings.
func (h *Headers) UnmarshalJSON(data []byte) error {
	raw := map[string]any{}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*h = Headers{}
	for name, value := range raw {
		switch v := value.(type) {
		case string:
			(*h)[strings.ToLower(name)] = v
		case []any:
			parts := make([]string, 0, len(v))
			for _, part := range v {
				if s, ok := part.(string); ok {
					parts = append(parts, s)
				}
			}
			(*h)[strings.ToLower(name)] = strings.Join(parts, ", ")
		}
	}
	return nil
}

// Fetch sends an HTTP request and waits for the response, at most 30 s.
func Fetch(method, url string, headers map[string]string, body []byte) (*Response, error) {
	if headers == nil {
		headers = map[string]string{}
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return nil, err
	}
	mp, mn := text(method)
	up, un := text(url)
	hp, hn := blob(list)
	bp, bn := blob(body)
	r := hostHTTPFetch(mp, mn, up, un, hp, hn, bp, bn)
	runtime.KeepAlive(method)
	runtime.KeepAlive(url)
	runtime.KeepAlive(list)
	runtime.KeepAlive(body)
	answer := take(r)
	if len(answer) == 0 {
		return nil, ErrFailed
	}
	response := &Response{}
	if err := json.Unmarshal(answer, response); err != nil {
		return nil, err
	}
	if response.Status == 0 {
		return nil, errors.New("orama: " + method + " " + url + ": " + response.Error)
	}
	return response, nil
}

// Publish sends a message, encoded as JSON, to a topic of the namespace. It is durable when Publish
// returns nil.
func Publish(topic string, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	tp, tn := text(topic)
	dp, dn := blob(data)
	done := hostPubsubPublish(tp, tn, dp, dn)
	runtime.KeepAlive(topic)
	runtime.KeepAlive(data)
	if done != 1 {
		return ErrFailed
	}
	return nil
}

// Enqueue enqueues an invocation of a function of the namespace and returns its id.
func Enqueue(function string, payload any, delay time.Duration) (string, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	fp, fn := text(function)
	dp, dn := blob(data)
	r := hostEnqueue(fp, fn, dp, dn, seconds(delay))
	runtime.KeepAlive(function)
	runtime.KeepAlive(data)
	id := take(r)
	if len(id) == 0 {
		return "", ErrFailed
	}
	return string(id), nil
}

// StoragePut stores a blob and returns its CID.
func StoragePut(data []byte) (string, error) {
	p, n := blob(data)
	r := hostStoragePut(p, n)
	runtime.KeepAlive(data)
	cid := take(r)
	if len(cid) == 0 {
		return "", ErrFailed
	}
	return string(cid), nil
}

// StorageGet returns a blob that this namespace has stored; nil if there is none.
func StorageGet(cid string) []byte {
	p, n := text(cid)
	r := hostStorageGet(p, n)
	runtime.KeepAlive(cid)
	return take(r)
}

// LogDebug writes a line to the invocation's log.
func LogDebug(message string) { log(hostLogDebug, message) }

// LogInfo writes a line to the invocation's log.
func LogInfo(message string) { log(hostLogInfo, message) }

// LogWarn writes a line to the invocation's log.
func LogWarn(message string) { log(hostLogWarn, message) }

// LogError writes a line to the invocation's log.
func LogError(message string) { log(hostLogError, message) }

func log(write func(unsafe.Pointer, uint32), message string) {
	p, n := text(message)
	write(p, n)
	runtime.KeepAlive(message)
}

func argsJSON(args []any) ([]byte, error) {
	if args == nil {
		args = []any{}
	}
	return json.Marshal(args)
}

// seconds rounds up.
func seconds(d time.Duration) int64 {
	whole := int64(d / time.Second)
	if d%time.Second > 0 {
		whole++
	}
	return whole
}
