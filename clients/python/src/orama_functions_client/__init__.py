"""Client of an Orama Functions engine. Uses only the standard library."""

from ._client import Client
from ._errors import FunctionError, OramaError
from ._json_text import JsonText
from ._result import Result
from ._shapes import ERROR_CODES, Attempt, Callback, Invocation
from ._subscribe import Event, Subscription

__all__ = [
    "ERROR_CODES",
    "Attempt",
    "Callback",
    "Client",
    "Event",
    "FunctionError",
    "Invocation",
    "JsonText",
    "OramaError",
    "Result",
    "Subscription",
]
