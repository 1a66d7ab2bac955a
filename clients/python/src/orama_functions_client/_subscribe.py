from __future__ import annotations

import base64
import http.client
import json
import random
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from ._errors import OramaError
from ._http import Http
from ._socket import Socket, SocketClosed

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Event:
    """An event of a subscription.

    ``type`` is ``open`` (connected or reconnected; messages published while disconnected are lost),
    ``message`` or, with presence, ``join`` and ``leave``. ``timestamp`` is in milliseconds.
    """

    type: str
    topic: str
    data: bytes
    member_id: Optional[str]
    meta: Any
    timestamp: int

    def text(self) -> str:
        return self.data.decode()

    def json(self) -> Any:
        """Returns the data as JSON. Integers of any size are exact."""
        return json.loads(self.data)


class Subscription(Iterator[Event]):
    """Iterator over the events of a topic. Reconnects until it is closed; ``close`` may be called
    from another thread.
    """

    def __init__(self, engine: Http, query: Mapping[str, object]) -> None:
        self._engine = engine
        self._query = query
        self._closed = threading.Event()
        self._socket: Optional[Socket] = None
        self._events = self._run()

    def __next__(self) -> Event:
        return next(self._events)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            self._socket.shutdown()

    def _run(self) -> Iterator[Event]:
        failures = 0
        while not self._closed.is_set():
            try:
                for event in self._hear():
                    failures = 0
                    yield event
            except OramaError as error:
                # Reconnecting cannot succeed; neither with a server that answers with a redirect or
                # a page.
                if error.status < 500 and error.status != 429:
                    raise
            except ssl.SSLCertVerificationError as error:
                raise self._engine.unreachable(error) from error
            except (OSError, http.client.HTTPException, SocketClosed):
                pass
            pause = min(_FIRST_PAUSE * 2 ** min(failures, 16), _LONGEST_PAUSE)
            failures += 1
            self._closed.wait(pause * (0.5 + random.random() / 2))

    def _hear(self) -> Iterator[Event]:
        self._socket = self._connect()
        try:
            if not self._closed.is_set():
                yield Event("open", "", b"", None, None, int(time.time() * 1000))
            while not self._closed.is_set():
                event = _event_of(json.loads(self._socket.read()))
                if event is not None:
                    yield event
        finally:
            self._socket.close()

    def _connect(self) -> Socket:
        parts = self._engine.parts
        is_secure = parts.scheme == "https"
        context = (self._engine.context or ssl.create_default_context()) if is_secure else None
        port = parts.port or (443 if is_secure else 80)
        target = self._engine.target("/v1/pubsub/ws", self._query)
        return Socket(parts.hostname or "", port, parts.netloc, target, self._engine.credentials, context)


def _event_of(frame: Mapping[str, Any]) -> Optional[Event]:
    timestamp = frame.get("timestamp", 0)
    if frame.get("type") in ("presence.join", "presence.leave"):
        kind = frame["type"].split(".")[1]
        return Event(kind, "", b"", frame.get("member_id"), frame.get("meta"), timestamp)
    if "data" not in frame:
        return None
    return Event("message", frame.get("topic", ""), base64.b64decode(frame["data"]), None, None, timestamp)
