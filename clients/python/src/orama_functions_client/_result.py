from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Callable

from ._errors import OF_FUNCTIONS, FunctionError, OramaError, bytes_of
from ._http import Reply, is_short, pause_before
from ._shapes import Invocation

FIRST_POLL = 0.1
LONGEST_POLL = 5.0


@dataclass(frozen=True)
class Result:
    """Result of a function call."""

    request_id: str
    output: bytes
    attempts: int
    version: int
    duration_ms: float

    def text(self) -> str:
        return self.output.decode()

    def json(self) -> Any:
        """Returns the output as JSON. Integers of any size are exact."""
        return json.loads(self.output)


def answered(reply: Reply) -> Result:
    return Result(
        request_id=reply.headers["X-Request-ID"],
        output=reply.body,
        attempts=int(reply.headers["X-Attempts"]),
        version=int(reply.headers["X-Function-Version"]),
        duration_ms=float(reply.headers["X-Duration-Ms"]),
    )


def repeated(call: Callable[[], Reply]) -> Result:
    """Repeats a call with an idempotency key, which needs no right to read, until it is answered."""
    pause = due = FIRST_POLL
    while True:
        time.sleep(due)
        due = pause
        try:
            reply = call()
            if reply.status != 202:
                return answered(reply)
        except OramaError as error:
            if error.status != 429 or not is_short(error):
                raise
            due = max(pause, pause_before(0, error.retry_after))
        pause = min(pause * 1.5, LONGEST_POLL)


def after_acceptance(error: OramaError, request_id: str) -> OramaError:
    """Adds the id to an error that says nothing about how the accepted invocation ended."""
    message = f"invocation {request_id} was accepted, but its result is unknown: {error.message}"
    found = OramaError(
        message, code=error.code, status=error.status, request_id=request_id, retry_after=error.retry_after
    )
    found.accepted = True
    return found


def result_of(ended: Invocation) -> Result:
    output = bytes_of(ended.output, ended.output_base64)
    last = ended.attempts[-1] if ended.attempts else None
    if ended.state == "success" and output is None and ended.output_size:
        lost = f"it succeeded, but its output of {ended.output_size} bytes is not kept any more"
        raise OramaError(lost, code="not_found", status=202, request_id=ended.request_id)
    if ended.state == "success":
        return Result(
            request_id=ended.request_id,
            output=output or b"",
            attempts=len(ended.attempts),
            version=ended.version,
            duration_ms=last.duration_ms if last is not None else 0,
        )
    code = ended.code
    if code is None:
        # Engines before `code` was added to their records.
        is_timeout = ended.state == "timeout" or (last is not None and last.status == "timeout")
        code = "function_timeout" if is_timeout else "function_error"
        code = "cancelled" if ended.state == "cancelled" else code
    message = ended.error or f"the invocation ended {ended.state}"
    if code not in OF_FUNCTIONS:
        raise OramaError(message, code=code, status=202, request_id=ended.request_id)
    failed = FunctionError(message, code=code, status=202, request_id=ended.request_id)
    failed.output = output
    raise failed
