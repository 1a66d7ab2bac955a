// Code generated from the OpenAPI document by "npm run clients"; DO NOT EDIT.

package oramaclient

// Invocation is an invocation as returned by the API.
type Invocation struct {
	RequestID    string    `json:"request_id"`
	Namespace    string    `json:"namespace"`
	Function     string    `json:"function"`
	Version      int64     `json:"version"`
	Trigger      string    `json:"trigger"`
	Route        *string   `json:"route"`
	Method       *string   `json:"method"`
	HttpStatus   *int64    `json:"http_status"`
	TriggerDepth int64     `json:"trigger_depth"`
	ParentID     *string   `json:"parent_id"`
	MessageID    *string   `json:"message_id"`
	State        string    `json:"state"`
	Attempts     []Attempt `json:"attempts"`
	Error        *string   `json:"error"`
	Code         *string   `json:"code"`
	InputSize    int64     `json:"input_size"`
	OutputSize   *int64    `json:"output_size"`
	Input        *string   `json:"input"`
	InputBase64  *string   `json:"input_base64"`
	Output       *string   `json:"output"`
	OutputBase64 *string   `json:"output_base64"`
	Callback     *Callback `json:"callback"`
	CreatedAt    string    `json:"created_at"`
	CompletedAt  *string   `json:"completed_at"`
}

// Callback is the delivery status of a callback.
type Callback struct {
	URL         string  `json:"url"`
	Attempts    int64   `json:"attempts"`
	DeliveredAt *string `json:"delivered_at"`
	LastError   *string `json:"last_error"`
}

// Attempt is an attempt of an invocation.
type Attempt struct {
	Number     int64   `json:"number"`
	Status     string  `json:"status"`
	Error      *string `json:"error"`
	StartedAt  string  `json:"started_at"`
	DurationMS float64 `json:"duration_ms"`
}

// The codes of errors. CodeUnreachable is set by the client if there is no response.
const (
	CodeInvalidRequest       ErrorCode = "invalid_request"
	CodeInvalidManifest      ErrorCode = "invalid_manifest"
	CodeInvalidModule        ErrorCode = "invalid_module"
	CodeInvalidSQL           ErrorCode = "invalid_sql"
	CodeEgressRefused        ErrorCode = "egress_refused"
	CodeUnauthorized         ErrorCode = "unauthorized"
	CodeSignatureInvalid     ErrorCode = "signature_invalid"
	CodeForbidden            ErrorCode = "forbidden"
	CodeInsufficientScope    ErrorCode = "insufficient_scope"
	CodeNotFound             ErrorCode = "not_found"
	CodeFunctionNotFound     ErrorCode = "function_not_found"
	CodeMethodNotAllowed     ErrorCode = "method_not_allowed"
	CodeRequestTimeout       ErrorCode = "request_timeout"
	CodeConflict             ErrorCode = "conflict"
	CodePayloadTooLarge      ErrorCode = "payload_too_large"
	CodeUnsupportedMediaType ErrorCode = "unsupported_media_type"
	CodeIdempotencyMismatch  ErrorCode = "idempotency_mismatch"
	CodeFunctionRefused      ErrorCode = "function_refused"
	CodeUpgradeRequired      ErrorCode = "upgrade_required"
	CodeHeadersTooLarge      ErrorCode = "headers_too_large"
	CodeRateLimited          ErrorCode = "rate_limited"
	CodeQuotaExceeded        ErrorCode = "quota_exceeded"
	CodeQueueFull            ErrorCode = "queue_full"
	CodeFunctionError        ErrorCode = "function_error"
	CodeExpired              ErrorCode = "expired"
	CodeWorkerDied           ErrorCode = "worker_died"
	CodeMisconfigured        ErrorCode = "misconfigured"
	CodeBlobDamaged          ErrorCode = "blob_damaged"
	CodeInternal             ErrorCode = "internal"
	CodeNotImplemented       ErrorCode = "not_implemented"
	CodeInvalidReply         ErrorCode = "invalid_reply"
	CodeUnavailable          ErrorCode = "unavailable"
	CodeFunctionTimeout      ErrorCode = "function_timeout"
	CodeAmbiguousWrite       ErrorCode = "ambiguous_write"
	CodeLoopDetected         ErrorCode = "loop_detected"
	CodeCancelled            ErrorCode = "cancelled"
	CodeBuildFailed          ErrorCode = "build_failed"
	CodeBadConfig            ErrorCode = "bad_config"
	CodeUnreachable          ErrorCode = "unreachable"
)
