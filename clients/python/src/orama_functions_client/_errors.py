from __future__ import annotations

import base64
import json
from typing import Any, Mapping, Optional

# Codes of responses without one. 503 has none: a proxy's does not say what the engine accepted.
_STATUS_CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "payload_too_large",
    429: "rate_limited",
}
OF_FUNCTIONS = {
    "function_error",
    "function_refused",
    "function_timeout",
    "expired",
    "worker_died",
    "cancelled",
}


class OramaError(Exception):
    """Raised if the engine returns an error or is unreachable. Match on ``code``.

    ``status`` is the HTTP status, or 0 without a response. ``request_id`` is the id of the
    invocation or of the request. ``retry_after`` is the time in seconds after which the engine
    suggests a retry. ``accepted`` is whether ``invoke`` failed after the engine had accepted the
    invocation ``request_id``, which runs or has run: invoked again, the function would run twice.
    """

    accepted: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int,
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is unpickled with its positional arguments alone.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(kind: type[OramaError], args: tuple[Any, ...], state: dict[str, Any]) -> OramaError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class FunctionError(OramaError):
    """Raised if the function ran and failed. ``output`` is its output so far, for callers with a
    credential.
    """

    output: Optional[bytes] = None


def not_of_this_api(status: int) -> OramaError:
    message = f"the server answered {status} with a response that is not from this API; is the address right?"
    return OramaError(message, code="internal", status=status)


def failure(status: int, headers: Mapping[str, str], text: bytes) -> OramaError:
    body = _object(text)
    message = body.get("error")
    if not isinstance(message, str):
        message = not_of_this_api(status).message
    code = body.get("code")
    if not isinstance(code, str):
        code = _STATUS_CODES.get(status, "internal")
    details: dict[str, Any] = {
        "code": code,
        "status": status,
        "request_id": body.get("request_id") or headers.get("X-Request-ID"),
        "retry_after": _seconds(headers.get("Retry-After")),
    }
    if code not in OF_FUNCTIONS:
        return OramaError(message, **details)
    failed = FunctionError(message, **details)
    failed.output = bytes_of(body.get("output"), body.get("output_base64"))
    return failed


def bytes_of(text: Optional[str], encoded: Optional[str]) -> Optional[bytes]:
    """Decodes a text field or its Base64 alternative."""
    if encoded is not None:
        return base64.b64decode(encoded)
    return None if text is None else text.encode()


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: Optional[str]) -> Optional[float]:
    try:
        seconds = -1.0 if text is None else float(text)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
