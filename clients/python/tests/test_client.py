"""Run by the repository's tests against a real engine with the function "hello", which echoes
its input.
"""

from __future__ import annotations

import json
import os
import pickle
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable

from orama_functions_client import ERROR_CODES, Client, FunctionError, JsonText, OramaError, Result

BEYOND = 9007199254740993
URL = os.environ.get("ORAMA_URL", "")
KEY = os.environ.get("ORAMA_API_KEY", "")


@unittest.skipUnless(URL, "ORAMA_URL names no engine")
class WithAnEngine(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(URL, api_key=KEY)

    def test_invoke(self) -> None:
        result = self.client.invoke("hello", {"name": "Ada"})
        self.assertEqual(result.json(), {"name": "Ada"})
        self.assertEqual((result.attempts, result.version), (1, 1))
        self.assertEqual(self.client.invoke("hello@1", b"\x00\xff").output, b"\x00\xff")
        self.assertEqual(self.client.invoke("hello").output, b"")

    def test_integers_of_any_size_are_exact(self) -> None:
        self.assertEqual(self.client.invoke("hello", {"n": BEYOND}).json(), {"n": BEYOND})
        self.assertEqual(self.client.invoke("hello", JsonText("1.10")).text(), "1.10")

    def test_errors_say_what_was_wrong(self) -> None:
        with self.assertRaises(FunctionError) as refused:
            self.client.invoke("hello", "!bad")
        self.assertEqual((refused.exception.code, refused.exception.status), ("function_refused", 422))
        self.assertEqual(refused.exception.output, b"!bad")
        self.assertIsNotNone(refused.exception.request_id)
        with self.assertRaises(OramaError) as missing:
            self.client.invoke("nothing")
        self.assertNotIsInstance(missing.exception, FunctionError)
        self.assertEqual((missing.exception.code, missing.exception.status), ("function_not_found", 404))
        self.assertIn(missing.exception.code, ERROR_CODES)

    def test_idempotency_key(self) -> None:
        first = self.client.invoke("hello", "once", idempotency_key="py-1")
        self.assertEqual(self.client.invoke("hello", "once", idempotency_key="py-1").request_id, first.request_id)
        with self.assertRaises(OramaError) as other:
            self.client.invoke("hello", "twice", idempotency_key="py-1")
        self.assertEqual(other.exception.code, "idempotency_mismatch")

    def test_async_invocations(self) -> None:
        request_id = self.client.invoke_async("hello", "later")
        ended = self.client.wait(request_id, timeout=30)
        self.assertEqual((ended.state, ended.output), ("success", "later"))
        delayed = self.client.invoke_async("hello", "never", delay=600)
        with self.assertRaises(TimeoutError):
            self.client.wait(delayed, timeout=0.01)
        self.client.cancel(delayed)
        with self.assertRaises(OramaError) as again:
            self.client.cancel(delayed)
        self.assertEqual(again.exception.code, "conflict")
        replayed = self.client.wait(self.client.replay(delayed, input="now"), timeout=30)
        self.assertEqual((replayed.output, replayed.parent_id), ("now", delayed))
        seen = set()
        for one in self.client.invocations(function="hello", page_size=1):
            seen.add(one.request_id)
            if request_id in seen:
                break
        self.assertIn(replayed.request_id, seen)

    def test_dead_letters(self) -> None:
        request_id = self.client.invoke_async("hello", "?dies")
        self.assertEqual(self.client.wait(request_id, timeout=30).state, "dead")
        self.assertIn(request_id, [one.request_id for one in self.client.dead_letters(function="hello")])
        self.assertGreaterEqual(self.client.replay_dead("hello", newest=True), 1)
        self.client.purge_dead("hello")

    def test_publish_and_subscribe(self) -> None:
        self.assertEqual(self.client.publish("clients:fires", {"n": 1}), 1)
        long = "x" * 70_000
        heard = []
        with self.client.subscribe("clients:py", presence=True, member_id="py") as events:
            for event in events:
                if event.type == "open":
                    self.client.publish("clients:py", BEYOND)
                    self.client.publish_batch([("clients:py", b"\x00\xff"), ("clients:py", long)])
                if event.type == "message":
                    heard.append(event)
                if len(heard) == 3:
                    break
        self.assertEqual([heard[0].json(), heard[1].data, heard[2].text()], [BEYOND, b"\x00\xff", long])

    def test_another_thread_ends_a_subscription(self) -> None:
        events = self.client.subscribe("clients:silent")
        self.assertEqual(next(events).type, "open")
        threading.Timer(0.2, events.close).start()
        self.assertEqual(list(events), [])

    def test_a_subscription_that_may_not_be_is_an_error(self) -> None:
        with self.assertRaises(OramaError) as refused:
            next(Client(URL, api_key="ak_wrong:default").subscribe("clients:py"))
        self.assertEqual(refused.exception.code, "unauthorized")


class Refusing:
    """A server that refuses the given number of requests and then responds like an engine that has
    published.
    """

    def __init__(self, times: int, refuse: Callable[[BaseHTTPRequestHandler], None]) -> None:
        bodies: list[bytes] = []
        requests: list[tuple[str, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                requests.append((self.path, dict(self.headers)))
                if len(bodies) <= times:
                    refuse(self)
                    return
                answer = b'{"status":"ok","triggered":0}'
                self.send_response(200)
                for name, value in ("X-Request-ID", "r"), ("X-Attempts", "1"), ("X-Function-Version", "1"):
                    self.send_header(name, value)
                self.send_header("X-Duration-Ms", "1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.bodies = bodies
        self.requests = requests
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Refusing":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def answering(status: int, headers: dict[str, str], body: bytes = b"{}") -> Callable[[BaseHTTPRequestHandler], None]:
    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return refuse


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


class WithoutAnEngine(unittest.TestCase):
    def test_refusals_are_tried_again_as_late_as_told(self) -> None:
        for status in (429, 503):
            body = b'{"error":"Later.","code":"unavailable"}'
            with Refusing(1, answering(status, {"Retry-After": "1"}, body)) as server:
                before = time.monotonic()
                Client(server.url).publish("t", {"n": 1})
                self.assertGreaterEqual(time.monotonic() - before, 1)
                self.assertEqual(server.bodies, [b'{"topic":"t","data":{"n":1}}'] * 2)

    def test_what_may_have_taken_place_is_not_repeated(self) -> None:
        body = b'{"error":"Look before repeating it.","code":"ambiguous_write"}'
        with Refusing(1, answering(503, {}, body)) as server:
            with self.assertRaises(OramaError) as refused:
                Client(server.url).publish("t", 1)
            self.assertEqual(refused.exception.code, "ambiguous_write")
            self.assertEqual(len(server.bodies), 1)

    def test_no_answer_is_tried_again_with_a_key(self) -> None:
        with Refusing(1, cut) as server:
            with self.assertRaises(OramaError) as refused:
                Client(server.url).invoke("f", "x")
            self.assertEqual((refused.exception.code, refused.exception.status), ("unreachable", 0))
            self.assertEqual(len(server.bodies), 1)
        with Refusing(1, cut) as server:
            Client(server.url).invoke("f", "x", idempotency_key="k")
            self.assertEqual(server.bodies, [b"x", b"x"])

    def test_an_answer_of_a_proxy_is_no_answer(self) -> None:
        for status in (502, 503, 504):
            proxy = answering(status, {}, b"<html>Bad Gateway</html>")
            with Refusing(1, proxy) as server:
                with self.assertRaises(OramaError) as refused:
                    Client(server.url).invoke("f", "x")
                self.assertEqual((refused.exception.status, len(server.bodies)), (status, 1))
            with Refusing(1, proxy) as server:
                Client(server.url).invoke("f", "x", idempotency_key="k")
                self.assertEqual(server.bodies, [b"x", b"x"])

    def test_a_function_that_timed_out_is_not_called_again(self) -> None:
        body = b'{"request_id":"r","status":"timeout","code":"function_timeout","error":"Over 1 s.","output":"so far"}'
        with Refusing(1, answering(504, {}, body)) as server:
            with self.assertRaises(FunctionError) as failed:
                Client(server.url).invoke("f", "x", idempotency_key="k")
            self.assertEqual(len(server.bodies), 1)
        # As a pool of processes passes an error on.
        passed = pickle.loads(pickle.dumps(failed.exception))
        self.assertEqual(type(passed), FunctionError)
        self.assertEqual((str(passed), passed.__dict__), ("Over 1 s.", failed.exception.__dict__))

    def test_another_server_is_recognized(self) -> None:
        # Other servers have this header as well.
        with Refusing(9, answering(200, {"X-Request-ID": "theirs"}, b"<html>")) as server:
            client = Client(server.url)
            for call in (
                lambda: client.invoke("f"),
                lambda: client.invoke_async("f"),
                lambda: client.invocation("x"),
                lambda: client.publish("t", 1),
            ):
                with self.assertRaisesRegex(OramaError, "not from this API") as refused:
                    call()
                self.assertEqual((refused.exception.code, refused.exception.status), ("internal", 200))

    def test_redirects_are_not_sent_the_key(self) -> None:
        with Refusing(0, cut) as other, Refusing(9, answering(307, {"Location": other.url})) as server:
            with self.assertRaises(OramaError) as refused:
                Client(server.url, api_key="secret").invocation("x")
            self.assertEqual(refused.exception.status, 307)
            self.assertEqual(other.bodies, [])

    def test_the_credential_is_in_a_header_and_in_no_address(self) -> None:
        for credential, header in ({"api_key": "secret"}, "X-API-Key"), ({"token": "secret"}, "Authorization"):
            with Refusing(9, answering(403, {})) as server:
                client = Client(server.url, **credential)
                with self.assertRaises(OramaError):
                    client.invocation("x")
                with self.assertRaises(OramaError):
                    next(client.subscribe("t"))
                self.assertEqual(len(server.requests), 2)
                for path, headers in server.requests:
                    self.assertNotIn("secret", path)
                    self.assertIn("secret", headers[header])

    def test_the_error_says_how_long_to_wait(self) -> None:
        body = b'{"error":"The queue is full.","code":"queue_full"}'
        with Refusing(9, answering(429, {"Retry-After": "7"}, body)) as server:
            with self.assertRaises(OramaError) as refused:
                Client(server.url, retries=0).publish("t", 1)
            self.assertEqual((refused.exception.code, refused.exception.retry_after), ("queue_full", 7))

    def test_a_wait_does_not_wait_for_a_retry_after_beyond_its_timeout(self) -> None:
        body = b'{"error":"Later.","code":"rate_limited"}'
        with Refusing(9, answering(429, {"Retry-After": "30"}, body)) as server:
            before = time.monotonic()
            with self.assertRaises(TimeoutError):
                Client(server.url).wait("r", timeout=0.3)
            self.assertLess(time.monotonic() - before, 5)

    def test_a_refusal_for_longer_than_a_minute_is_an_error_at_once(self) -> None:
        body = b'{"error":"Tomorrow.","code":"quota_exceeded"}'
        with Refusing(9, answering(429, {"Retry-After": "3600"}, body)) as server:
            before = time.monotonic()
            with self.assertRaises(OramaError):
                Client(server.url, retries=1).publish("t", 1)
            self.assertEqual(len(server.bodies), 1)
            self.assertLess(time.monotonic() - before, 5)

    def test_a_refused_poll_does_not_end_the_wait_for_an_accepted_invocation(self) -> None:
        refuse = answering(429, {"Retry-After": "1"}, b'{"error":"Later.","code":"rate_limited"}')
        with Refusing(9, refuse) as server:
            before = time.monotonic()
            with self.assertRaises(TimeoutError):
                Client(server.url, retries=0).wait("r", timeout=3)
            self.assertGreaterEqual(time.monotonic() - before, 3)
            self.assertGreaterEqual(len(server.requests), 2)

    def test_a_poll_refused_for_longer_than_a_minute_is_an_error_at_once(self) -> None:
        refuse = answering(429, {"Retry-After": "3600"}, b'{"error":"Tomorrow.","code":"quota_exceeded"}')
        with Refusing(9, refuse) as server:
            with self.assertRaises(OramaError):
                Client(server.url, retries=0).wait("r")

    def test_a_keyed_call_is_repeated_until_it_is_answered(self) -> None:
        with Refusing(2, answering(202, {"X-Request-ID": "id-1"})) as server:
            result = Client(server.url).invoke("f", "x", idempotency_key="k")
            self.assertEqual(result.request_id, "r")
            self.assertEqual(server.bodies, [b"x"] * 3)

    def test_the_engine_is_asked_to_answer_a_second_before_the_timeout(self) -> None:
        for timeout, wait in (0.5, 1), (1, 1), (2, 1), (2.9, 1), (30, 29), (600, 240):
            with Refusing(0, cut) as server:
                Client(server.url, timeout=timeout).invoke("f")
                self.assertEqual(server.requests[0][1]["Prefer"], f"wait={wait}")

    def test_a_function_that_takes_longer_than_the_timeout_is_waited_for(self) -> None:
        def accept_late(handler: BaseHTTPRequestHandler) -> None:
            time.sleep(int(handler.headers["Prefer"].split("=")[1]) + 0.2)
            answering(202, {"X-Request-ID": "id-1"})(handler)

        with Refusing(1, accept_late) as server:
            client = Client(server.url, timeout=1, retries=0)
            self.assertEqual(client.invoke("f", "x", idempotency_key="k").request_id, "r")
            self.assertEqual(len(server.bodies), 2)

    def test_errors_after_acceptance_have_the_id(self) -> None:
        def accept(handler: BaseHTTPRequestHandler) -> None:
            refusal = b'{"error":"It has no scope read.","code":"insufficient_scope"}'
            (answering(202, {"X-Request-ID": "id-1"}) if handler.command == "POST" else answering(403, {}, refusal))(
                handler
            )

        with Refusing(9, accept) as server:
            with self.assertRaises(OramaError) as refused:
                Client(server.url).invoke("f", "x")
            error = refused.exception
            self.assertEqual((error.code, error.request_id, error.accepted), ("insufficient_scope", "id-1", True))
            self.assertTrue(pickle.loads(pickle.dumps(error)).accepted)
            self.assertEqual([path for path, _ in server.requests][1:], ["/v1/invocations/id-1"])

    def test_a_polled_result_is_that_of_a_direct_answer(self) -> None:
        def result_of(**record: object) -> Result:
            given = {"state": "success", "input_size": 0, "output": None, "output_size": None, **record}
            text = {name: "" for name in ("namespace", "function", "trigger", "created_at")}
            body = json.dumps({"request_id": "id-1", "version": 1, "trigger_depth": 0, "attempts": [], **text, **given})

            def accept(handler: BaseHTTPRequestHandler) -> None:
                status = 202 if handler.command == "POST" else 200
                answering(status, {"X-Request-ID": "id-1"}, body.encode())(handler)

            with Refusing(9, accept) as server:
                return Client(server.url).invoke("f", "x")

        with self.assertRaises(FunctionError) as refused:
            result_of(state="dead", error="exited with code 65", code="function_refused", output="so far")
        self.assertEqual((refused.exception.code, refused.exception.output), ("function_refused", b"so far"))
        with self.assertRaises(OramaError) as lost:
            result_of(output_size=5)
        self.assertEqual((lost.exception.code, lost.exception.request_id), ("not_found", "id-1"))
        self.assertTrue(lost.exception.accepted)
        self.assertEqual(result_of(output_size=0).output, b"")

    def test_an_empty_name_is_refused_before_anything_is_sent(self) -> None:
        with Refusing(9, answering(500, {})) as server:
            client = Client(server.url)
            for name in ("", ".", ".."):
                for call in (client.invoke, client.wait, client.invocation, client.cancel, client.purge_dead):
                    with self.assertRaises(OramaError) as refused:
                        call(name)
                    self.assertEqual((refused.exception.code, refused.exception.status), ("invalid_request", 0))
            self.assertEqual(server.requests, [])

    def test_a_subscription_to_another_server_ends(self) -> None:
        for status in (200, 302, 308, 404):
            with Refusing(9, answering(status, {"Location": "/login"}, b"<html>")) as server:
                with self.assertRaises(OramaError) as refused:
                    next(Client(server.url).subscribe("t"))
                self.assertEqual(refused.exception.status, status)
                self.assertEqual(len(server.requests), 1)

    def test_what_no_request_can_hold_is_a_value_error_with_a_sentence(self) -> None:
        with Refusing(0, cut) as server:
            client = Client(server.url)
            for text in ("k€", "k\n2", "k\n", "k\x01", "k\ud800"):
                for call in (
                    lambda: client.invoke("f", idempotency_key=text),
                    lambda: client.invoke_async("f", sticky=text),
                    lambda: client.invoke_async("f", callback_url=text),
                    lambda: Client(server.url, api_key=text),
                ):
                    with self.assertRaisesRegex(ValueError, r"^the header [\w-]+ cannot hold the character U\+") as one:
                        call()
                    self.assertIs(type(one.exception), ValueError)
                    self.assertNotIn(text, str(one.exception))
            lone = "a\ud800"
            for call in (
                lambda: client.invoke("f", lone),
                lambda: client.invoke("f", {"a": lone}),
                lambda: client.invoke(lone),
                lambda: client.publish("t", lone),
                lambda: client.publish(lone, 1),
                lambda: client.replay("id-1", input=lone),
                lambda: client.cancel(lone),
                lambda: client.purge_dead(lone),
                lambda: next(client.invocations(function=lone)),
                lambda: next(client.subscribe(lone)),
            ):
                with self.assertRaisesRegex(ValueError, r"^a text to be sent has the lone surrogate U\+D800") as one:
                    call()
                self.assertIs(type(one.exception), ValueError)
            self.assertEqual(server.requests, [])
            client.invoke("f", "é", idempotency_key="é")
            self.assertEqual(server.bodies, ["é".encode()])

    def test_what_json_does_not_have_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            Client("http://127.0.0.1:2").publish("t", float("nan"))
        with self.assertRaises(ValueError):
            Client("127.0.0.1:2")


if __name__ == "__main__":
    unittest.main()
