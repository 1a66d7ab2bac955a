from __future__ import annotations

import json
from typing import Any


class JsonText:
    """A JSON text that is sent verbatim."""

    def __init__(self, text: str) -> None:
        json.loads(text)
        self.text = text


def to_json(value: Any) -> str:
    """Returns the JSON text of a value. Raises ``ValueError`` for NaN and infinities, which JSON
    does not support.
    """
    if isinstance(value, JsonText):
        return value.text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
