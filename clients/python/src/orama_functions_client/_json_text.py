from __future__ import annotations

import json
from typing import Any


class JsonText:
    """A JSON value that is sent as it is written."""

    def __init__(self, text: str) -> None:
        json.loads(text)
        self.text = text


def to_json(value: Any) -> str:
    """The JSON text of a value; NaN and infinities, which JSON does not have, are a ValueError."""
    if isinstance(value, JsonText):
        return value.text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
