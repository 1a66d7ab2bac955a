# Generated from the OpenAPI document by "npm run clients"; do not edit.
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional


@dataclass(frozen=True)
class Attempt:
    """An attempt of an invocation."""

    number: int
    status: str
    error: Optional[str]
    started_at: str
    duration_ms: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Attempt":
        return cls(
            number=value["number"],
            status=value["status"],
            error=value.get("error"),
            started_at=value["started_at"],
            duration_ms=value["duration_ms"],
        )


@dataclass(frozen=True)
class Callback:
    """Delivery status of a callback."""

    url: str
    attempts: int
    delivered_at: Optional[str]
    last_error: Optional[str]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Callback":
        return cls(
            url=value["url"],
            attempts=value["attempts"],
            delivered_at=value.get("delivered_at"),
            last_error=value.get("last_error"),
        )


@dataclass(frozen=True)
class Invocation:
    """An invocation as returned by the API."""

    request_id: str
    namespace: str
    function: str
    version: int
    trigger: str
    route: Optional[str]
    method: Optional[str]
    http_status: Optional[int]
    trigger_depth: int
    parent_id: Optional[str]
    message_id: Optional[str]
    state: str
    attempts: list[Attempt]
    error: Optional[str]
    code: Optional[str]
    input_size: int
    output_size: Optional[int]
    input: Optional[str]
    input_base64: Optional[str]
    output: Optional[str]
    output_base64: Optional[str]
    callback: Optional[Callback]
    created_at: str
    completed_at: Optional[str]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Invocation":
        return cls(
            request_id=value["request_id"],
            namespace=value["namespace"],
            function=value["function"],
            version=value["version"],
            trigger=value["trigger"],
            route=value.get("route"),
            method=value.get("method"),
            http_status=value.get("http_status"),
            trigger_depth=value["trigger_depth"],
            parent_id=value.get("parent_id"),
            message_id=value.get("message_id"),
            state=value["state"],
            attempts=[Attempt.from_json(one) for one in value["attempts"]],
            error=value.get("error"),
            code=value.get("code"),
            input_size=value["input_size"],
            output_size=value.get("output_size"),
            input=value.get("input"),
            input_base64=value.get("input_base64"),
            output=value.get("output"),
            output_base64=value.get("output_base64"),
            callback=Callback.from_json(value["callback"]) if value.get("callback") is not None else None,
            created_at=value["created_at"],
            completed_at=value.get("completed_at"),
        )


ERROR_CODES = frozenset(
    {
        "invalid_request",
        "invalid_manifest",
        "invalid_module",
        "invalid_sql",
        "egress_refused",
        "unauthorized",
        "signature_invalid",
        "forbidden",
        "insufficient_scope",
        "not_found",
        "function_not_found",
        "method_not_allowed",
        "request_timeout",
        "conflict",
        "payload_too_large",
        "unsupported_media_type",
        "idempotency_mismatch",
        "function_refused",
        "upgrade_required",
        "headers_too_large",
        "rate_limited",
        "quota_exceeded",
        "queue_full",
        "function_error",
        "expired",
        "worker_died",
        "misconfigured",
        "blob_damaged",
        "internal",
        "not_implemented",
        "invalid_reply",
        "unavailable",
        "function_timeout",
        "ambiguous_write",
        "loop_detected",
        "cancelled",
        "build_failed",
        "bad_config",
        "unreachable",
    }
)
