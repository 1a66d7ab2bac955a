from __future__ import annotations

import base64
import hashlib
import http.client
import os
import socket
import ssl
import struct
from typing import Mapping, Optional

from ._errors import OramaError, failure

# The part of a WebSocket client (RFC 6455) that is needed to receive text messages. The standard
# library has none, and this client has no dependencies.

_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_POLICY = 1008
# A message of 1 MB in Base64 plus the other fields.
_MOST_BYTES = 16 << 20
_HANDSHAKE_SECONDS = 30.0
# The engine pings more often than this. After this time without data the connection is considered
# lost.
_SILENCE_SECONDS = 45.0
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class SocketClosed(Exception):
    """Raised when the connection has ended; a new one may be opened."""


class Socket:
    def __init__(
        self,
        host: str,
        port: int,
        host_header: str,
        target: str,
        headers: Mapping[str, str],
        context: Optional[ssl.SSLContext],
    ) -> None:
        plain = socket.create_connection((host, port), timeout=_HANDSHAKE_SECONDS)
        try:
            self._socket = plain if context is None else context.wrap_socket(plain, server_hostname=host)
            self._handshake(host_header, target, headers)
            self._socket.settimeout(_SILENCE_SECONDS)
        except BaseException:
            plain.close()
            raise

    def _handshake(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {
            "Host": host,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **headers,
        }
        if any("\r" in value or "\n" in value for value in (target, *lines.values())):
            raise ValueError("a header may hold no line breaks")
        request = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._socket.sendall(f"{request}\r\n".encode())
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        if response.status != 101:
            raise failure(response.status, response.headers, response.read())
        expected = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        if response.headers.get("Sec-WebSocket-Accept") != expected:
            raise OramaError("the server's WebSocket handshake does not conform to RFC 6455", code="internal", status=101)
        # The response may have buffered the first frames, so read from its file object.
        self._file = response.fp
        self._response = response

    def read(self) -> bytes:
        """Returns the next text message. Answers pings meanwhile."""
        message = bytearray()
        while True:
            final, opcode, payload = self._read_frame()
            if opcode == _PING:
                self._write(_PONG, payload)
            elif opcode == _CLOSE:
                self._write(_CLOSE, payload)
                if len(payload) >= 2 and struct.unpack(">H", payload[:2])[0] == _POLICY:
                    raise OramaError("the credential has expired or was revoked", code="unauthorized", status=401)
                raise SocketClosed
            elif opcode in (_TEXT, _CONTINUATION):
                message += payload
                if len(message) > _MOST_BYTES:
                    raise SocketClosed
                if final:
                    return bytes(message)
            elif opcode != _PONG:
                raise SocketClosed

    def shutdown(self) -> None:
        """Interrupts a read in another thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _read_frame(self) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2)
        size = second & 0x7F
        # Reserved bits and masked frames of a server are not allowed (RFC 6455 §5.1, §5.2).
        if first & 0x70 or second & 0x80:
            raise SocketClosed
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        if size > _MOST_BYTES:
            raise SocketClosed
        return bool(first & 0x80), first & 0x0F, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if data is None or len(data) < size:
            raise SocketClosed
        return data

    def _write(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        payload = payload[:125]
        masked = bytes(one ^ mask[at % 4] for at, one in enumerate(payload))
        self._socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)
