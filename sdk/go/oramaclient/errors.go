package oramaclient

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ErrorCode is a stable identifier of an error. The constants are the codes of the engine.
type ErrorCode string

// Error is returned if the engine returns an error or is unreachable. Match on Code.
type Error struct {
	Code    ErrorCode
	Message string
	// Status is the HTTP status; 0 without a response.
	Status int
	// RequestID is the id of the invocation or of the request.
	RequestID string
	// RetryAfter is the time after which the engine suggests a retry; 0 if there is none.
	RetryAfter time.Duration
	// Output is the function's output before it failed, for callers with a credential.
	Output []byte
	// Accepted is whether Invoke failed after the engine had accepted the invocation RequestID, which
	// runs or has run: invoked again, the function would run twice.
	Accepted bool

	cause error
}

func (e *Error) Error() string {
	if e.RequestID == "" {
		return fmt.Sprintf("orama: %s (%s)", e.Message, e.Code)
	}
	return fmt.Sprintf("orama: %s (%s, request %s)", e.Message, e.Code, e.RequestID)
}

func (e *Error) Unwrap() error { return e.cause }

// OfFunction returns whether the invocation was accepted and failed, as opposed to an error of the engine.
func (e *Error) OfFunction() bool {
	switch e.Code {
	case CodeFunctionError, CodeFunctionRefused, CodeFunctionTimeout, CodeExpired, CodeWorkerDied, CodeCancelled:
		return true
	}
	return false
}

// ofCertificate returns whether the server's certificate was refused, as it would be again.
func ofCertificate(err error) bool {
	var refused *tls.CertificateVerificationError
	return errors.As(err, &refused)
}

type failureBody struct {
	Error        string  `json:"error"`
	Code         string  `json:"code"`
	RequestID    string  `json:"request_id"`
	Output       *string `json:"output"`
	OutputBase64 *string `json:"output_base64"`
}

// statusCodes are the codes of responses without one. 503 has none: a proxy's does not say what the
// engine accepted.
var statusCodes = map[int]ErrorCode{
	http.StatusUnauthorized:          CodeUnauthorized,
	http.StatusForbidden:             CodeForbidden,
	http.StatusNotFound:              CodeNotFound,
	http.StatusConflict:              CodeConflict,
	http.StatusRequestEntityTooLarge: CodePayloadTooLarge,
	http.StatusTooManyRequests:       CodeRateLimited,
}

// notOfThisAPI returns the error for an answer of another server.
func notOfThisAPI(status int, cause error) *Error {
	return &Error{
		Code:    CodeInternal,
		Message: fmt.Sprintf("the server answered %d with a response that is not from this API; is the address right?", status),
		Status:  status,
		cause:   cause,
	}
}

func failure(response *http.Response, text []byte) *Error {
	var body failureBody
	if json.Unmarshal(text, &body) != nil || body.Error == "" {
		body = failureBody{Error: notOfThisAPI(response.StatusCode, nil).Message}
	}
	failed := &Error{
		Code:      ErrorCode(body.Code),
		Message:   body.Error,
		Status:    response.StatusCode,
		RequestID: body.RequestID,
		Output:    bytesOf(body.Output, body.OutputBase64),
	}
	if failed.Code == "" {
		failed.Code = CodeInternal
		if code, known := statusCodes[response.StatusCode]; known {
			failed.Code = code
		}
	}
	if failed.RequestID == "" {
		failed.RequestID = response.Header.Get("X-Request-Id")
	}
	if wait, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && wait > 0 {
		failed.RetryAfter = time.Duration(wait) * time.Second
	}
	return failed
}

// bytesOf decodes a text field or its Base64 alternative.
func bytesOf(text, encoded *string) []byte {
	if encoded != nil {
		data, err := base64.StdEncoding.DecodeString(*encoded)
		if err == nil {
			return data
		}
	}
	if text != nil {
		return []byte(*text)
	}
	return nil
}
