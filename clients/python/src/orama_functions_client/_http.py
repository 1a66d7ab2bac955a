from __future__ import annotations

import http.client
import random
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import Mapping, Optional
from urllib.parse import urlencode, urlsplit

from ._errors import OramaError, failure
from ._request import header_fields, utf8

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
# Rates are counted by the minute. A quota may be used up for hours, which are not waited for.
_LONGEST_RETRY_AFTER = 60.0


@dataclass
class Call:
    method: str
    path: str
    # Whether the call may be sent again if there is no response, in which case it may have been
    # received.
    repeatable: bool
    query: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None
    # When the caller no longer waits, by `time.monotonic()`: the last retry is sent then.
    deadline: Optional[float] = None
    # Timeout of the response, if it is longer than that of the client.
    timeout: float = 0


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Sends calls with retries where these are safe, and raises the engine's errors.

    Each call uses its own connection, so the object is thread-safe and leaves no connections open.
    """

    def __init__(
        self,
        url: str,
        credentials: Mapping[str, str],
        namespace: Optional[str],
        retries: int,
        timeout: float,
        context: Optional[ssl.SSLContext],
    ) -> None:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the url must look like https://functions.example.com, not {url!r}")
        self.parts = parts
        self.url = url.rstrip("/")
        self.credentials = header_fields(credentials)
        self.context = context
        self._namespace = namespace
        self._retries = retries
        self._timeout = timeout

    def send(self, call: Call) -> Reply:
        # Proxies resolve "." and "..": purging the function "." would delete the function "dead".
        if re.search(r"/\.{0,2}(/|$)", call.path):
            raise OramaError('a name or an id may not be empty, "." or ".."', code="invalid_request", status=0)
        tried = 0
        while True:
            try:
                return self._attempt(call)
            except OramaError as error:
                if tried >= self._retries or not _may_repeat(error, call):
                    raise
                pause = pause_before(tried, error.retry_after)
                if call.deadline is not None:
                    left = call.deadline - time.monotonic()
                    if left <= 0:
                        raise
                    pause = min(pause, left)
                time.sleep(pause)
                tried += 1

    def target(self, path: str, query: Mapping[str, object]) -> str:
        """Returns the request target."""
        given = {"namespace": self._namespace, **query}
        parameters = urlencode({name: utf8(str(value)) for name, value in given.items() if value is not None})
        return f"{self.parts.path}{path}{'?' if parameters else ''}{parameters}"

    def unreachable(self, cause: Exception) -> OramaError:
        message = f"the engine at {self.url} did not answer: {cause or type(cause).__name__}"
        return OramaError(message, code="unreachable", status=0)

    def _attempt(self, call: Call) -> Reply:
        headers = {**self.credentials, **header_fields(call.headers)}
        target = self.target(call.path, call.query)
        connection = self._connect(max(self._timeout, call.timeout))
        try:
            connection.request(call.method, target, call.body, headers)
            response = connection.getresponse()
            reply = Reply(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise self.unreachable(error) from error
        finally:
            connection.close()
        # Redirects are not followed, since the credential would be sent to their target.
        if reply.status >= 300:
            raise failure(reply.status, reply.headers, reply.body)
        return reply

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self.parts.hostname or "", self.parts.port
        if self.parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection(host, port, timeout=timeout)


def is_short(error: OramaError) -> bool:
    """Returns whether a refusal ends soon enough to wait for it."""
    return error.retry_after is None or error.retry_after <= _LONGEST_RETRY_AFTER


def _may_repeat(error: OramaError, call: Call) -> bool:
    if not is_short(error):
        return False
    # The server would send the same certificate again.
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return False
    # After 429, and after 503 of the engine, nothing was accepted, except if the store has not
    # reported whether a write took place. 502, 503 and 504 of a proxy mean that the engine did not
    # answer it.
    of_proxy = error.status == 502 or (error.status in (503, 504) and error.code == "internal")
    if error.code == "unreachable" or of_proxy:
        return call.repeatable
    return error.status == 429 or (error.status == 503 and (call.repeatable or error.code != "ambiguous_write"))


def pause_before(tried: int, retry_after: Optional[float]) -> float:
    # Uses the engine's Retry-After, or else exponential backoff; with jitter, to spread concurrent
    # callers.
    backoff = min(_FIRST_PAUSE * 2**tried, _LONGEST_PAUSE)
    return (retry_after if retry_after is not None else backoff) * (1 + random.random() / 4)
