from __future__ import annotations

import base64
import json
import ssl
import time
from typing import Any, Iterable, Iterator, Mapping, Optional, Union
from urllib.parse import quote

from ._errors import FunctionError, OramaError, not_of_this_api
from ._http import Call, Http, Reply, is_short, pause_before
from ._json_text import to_json
from ._request import utf8
from ._result import FIRST_POLL, LONGEST_POLL, Result, after_acceptance, answered, repeated, result_of
from ._shapes import Invocation
from ._subscribe import Subscription

_WAIT_SECONDS = 240
# Time for an answer to arrive after the engine has waited.
_MARGIN_SECONDS = 1
_ENDED = {"success", "error", "timeout", "dead", "cancelled"}
_JSON = {"Content-Type": "application/json"}

Input = Union[bytes, bytearray, str, Any]


class Client:
    """A client of one engine with one credential. It keeps no connections open and is thread-safe.

    Without ``api_key`` and ``token`` (a JWT), only public functions can be called, in
    ``namespace``.

    ``timeout`` is that of a response in seconds. ``invoke`` asks the engine for an answer a second
    before, and goes on waiting if the invocation has not ended by then; it gives the engine 2
    seconds at least.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: Optional[str] = None,
        token: Optional[str] = None,
        namespace: Optional[str] = None,
        retries: int = 4,
        timeout: float = 300.0,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        credentials: dict[str, str] = {}
        if api_key is not None:
            credentials["X-API-Key"] = api_key
        elif token is not None:
            credentials["Authorization"] = f"Bearer {token}"
        # An answer of 202 with the id must arrive in time. The engine waits whole seconds.
        self._wait_seconds = max(1, int(min(_WAIT_SECONDS, timeout - _MARGIN_SECONDS)))
        self._http = Http(url, credentials, namespace, retries, timeout, ssl_context)

    # Functions

    def invoke(
        self,
        name: str,
        input: Input = b"",
        *,
        idempotency_key: Optional[str] = None,
        sticky: Optional[str] = None,
        max_age: Optional[float] = None,
    ) -> Result:
        """Invokes a function (``name``, ``name@version`` or ``name@alias``) and returns its output.

        Bytes are sent unchanged, a string as UTF-8, any other value as JSON. Raises
        ``FunctionError`` if the function fails, and ``ValueError`` for what no request can hold: a
        lone surrogate, or in a header a line break or a character beyond ISO 8859-1.

        If the engine answers before the invocation has ended, waits for its end: with
        ``idempotency_key`` by repeating the call, and otherwise by polling, for which the
        credential needs the scope ``read``. Errors have ``accepted`` from then on.
        """
        headers = {"Accept": "application/octet-stream", "Prefer": f"wait={self._wait_seconds}"}
        timeout = self._wait_seconds + _MARGIN_SECONDS

        def call() -> Reply:
            return self._post(name, input, headers, idempotency_key, sticky, max_age, timeout)

        reply = call()
        if reply.status != 202:
            return answered(reply)
        request_id = reply.headers["X-Request-ID"]
        try:
            return result_of(self.wait(request_id)) if idempotency_key is None else repeated(call)
        except FunctionError:
            raise
        except OramaError as error:
            raise after_acceptance(error, request_id) from error

    def invoke_async(
        self,
        name: str,
        input: Input = b"",
        *,
        delay: Optional[float] = None,
        callback_url: Optional[str] = None,
        idempotency_key: Optional[str] = None,
        sticky: Optional[str] = None,
        max_age: Optional[float] = None,
    ) -> str:
        """Enqueues an invocation and returns its id once it is durable. Use ``wait`` to wait for
        its end.
        """
        headers = {"Prefer": "respond-async"}
        if delay is not None:
            headers["X-Delay-Seconds"] = str(delay)
        if callback_url is not None:
            headers["X-Callback-Url"] = callback_url
        return self._post(name, input, headers, idempotency_key, sticky, max_age).headers["X-Request-ID"]

    def _post(
        self,
        name: str,
        input: Input,
        headers: dict[str, str],
        idempotency_key: Optional[str],
        sticky: Optional[str],
        max_age: Optional[float],
        timeout: float = 0,
    ) -> Reply:
        headers["Content-Type"] = "application/octet-stream"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if sticky is not None:
            headers["X-Orama-Sticky"] = sticky
        if max_age is not None:
            headers["X-Max-Age-Seconds"] = str(max_age)
        path = f"/v1/functions/{quote(utf8(name), safe='')}/invoke"
        body = _input_bytes(input)
        repeatable = idempotency_key is not None
        reply = self._http.send(Call("POST", path, repeatable, headers=headers, body=body, timeout=timeout))
        # Another server may answer 200 to anything, also with an id of the request.
        if reply.headers.get("X-Request-ID" if reply.status == 202 else "X-Function-Version") is None:
            raise not_of_this_api(reply.status)
        return reply

    # Topics

    def publish(self, topic: str, data: Any) -> int:
        """Publishes a JSON value or bytes. Returns the number of triggers that it fired once the
        message is durable.
        """
        return self._json("POST", "/v1/pubsub/publish", False, body=_message(topic, data))["triggered"]

    def publish_batch(self, messages: Iterable[tuple[str, Any]]) -> int:
        """Publishes 1 to 1,000 messages (topic and data) atomically. Returns their number."""
        body = '{"messages":[' + ",".join(_message(topic, data) for topic, data in messages) + "]}"
        return self._json("POST", "/v1/pubsub/publish/batch", False, body=body)["count"]

    def subscribe(
        self, topic: str, *, presence: bool = False, member_id: Optional[str] = None, member_meta: Any = None
    ) -> Subscription:
        """Subscribes to the messages of a topic from now on. Reconnects automatically until it is
        closed.
        """
        meta = None if member_meta is None else to_json(member_meta)
        query = {"topic": topic, "presence": "true" if presence else None, "member_id": member_id, "member_meta": meta}
        return Subscription(self._http, query)

    # Invocations

    def invocations(
        self,
        *,
        function: Optional[str] = None,
        status: Optional[str] = None,
        reason: Optional[str] = None,
        parent_id: Optional[str] = None,
        since: Optional[str] = None,
        before: Optional[str] = None,
        page_size: Optional[int] = None,
    ) -> Iterator[Invocation]:
        """Iterates over invocations: live ones first, then ended ones, newest first. Fetches them
        in pages.
        """
        query: dict[str, object] = {
            "function": function,
            "status": status,
            "reason": reason,
            "parent_id": parent_id,
            "since": since,
            "before": before,
            "limit": page_size,
        }
        while True:
            page = self._json("GET", "/v1/invocations", True, query=query)
            for one in page["invocations"]:
                yield Invocation.from_json(one)
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def invocation(self, request_id: str) -> Invocation:
        return self._invocation(request_id)

    def _invocation(self, request_id: str, deadline: Optional[float] = None) -> Invocation:
        return Invocation.from_json(self._json("GET", _path_of(request_id), True, deadline=deadline))

    def wait(self, request_id: str, *, timeout: Optional[float] = None) -> Invocation:
        """Polls until an invocation has ended in any state. Raises ``TimeoutError`` after
        ``timeout`` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_POLL
        while True:
            # A refusal to read the invocation says nothing about it: it was accepted.
            state, due = "unknown", pause
            try:
                found = self._invocation(request_id, deadline)
                if found.state in _ENDED:
                    return found
                state = found.state
            except OramaError as error:
                if error.status != 429 or not is_short(error):
                    raise
                due = max(pause, pause_before(0, error.retry_after))
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"invocation {request_id} is {state} still after {timeout} s")
                due = min(due, left)
            time.sleep(due)
            pause = min(pause * 1.5, LONGEST_POLL)

    def cancel(self, request_id: str) -> None:
        """Cancels an invocation that is queued or running."""
        self._json("DELETE", _path_of(request_id), False)

    def replay(self, request_id: str, *, newest: bool = False, input: Optional[Input] = None) -> str:
        """Replays an ended invocation with its own or another input. Returns the id of the new
        invocation.
        """
        body = None
        if input is not None:
            body = json.dumps({"input_base64": base64.b64encode(_input_bytes(input)).decode()})
        path = f"{_path_of(request_id)}/replay"
        return self._json("POST", path, False, query=_version(newest), body=body)["request_id"]

    # Dead letters

    def dead_letters(self, *, function: Optional[str] = None, reason: Optional[str] = None) -> Iterator[Invocation]:
        """Iterates over dead letters: invocations that failed permanently while no caller was waiting."""
        return self.invocations(function=function, status="dead", reason=reason)

    def replay_dead(self, function: str, *, newest: bool = False) -> int:
        """Replays all dead letters of a function. Returns their number."""
        path = f"/v1/functions/{quote(utf8(function), safe='')}/dead/replay"
        return self._json("POST", path, False, query=_version(newest))["count"]

    def purge_dead(self, function: str) -> int:
        """Deletes all dead letters of a function. Returns their number."""
        return self._json("DELETE", f"/v1/functions/{quote(utf8(function), safe='')}/dead", True)["count"]

    def _json(
        self,
        method: str,
        path: str,
        repeatable: bool,
        *,
        query: Optional[Mapping[str, object]] = None,
        body: Optional[str] = None,
        deadline: Optional[float] = None,
    ) -> Any:
        headers = {} if body is None else _JSON
        data = None if body is None else utf8(body)
        call = Call(method, path, repeatable, query=query or {}, headers=headers, body=data, deadline=deadline)
        reply = self._http.send(call)
        try:
            return json.loads(reply.body)
        except ValueError as error:
            raise not_of_this_api(reply.status) from error


def _input_bytes(value: Input) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return utf8(value if isinstance(value, str) else to_json(value))


def _message(topic: str, data: Any) -> str:
    if isinstance(data, (bytes, bytearray)):
        return to_json({"topic": topic, "data_base64": base64.b64encode(data).decode()})
    return f'{{"topic":{to_json(topic)},"data":{to_json(data)}}}'


def _path_of(request_id: str) -> str:
    return f"/v1/invocations/{quote(utf8(request_id), safe='')}"


def _version(newest: bool) -> dict[str, object]:
    return {"version": "newest" if newest else None}

