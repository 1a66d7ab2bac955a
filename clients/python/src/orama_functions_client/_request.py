from __future__ import annotations

import re
from typing import Mapping

# Control characters, and those that ISO 8859-1 does not have (RFC 9110 §5.5).
_NOT_IN_HEADERS = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def header_fields(given: Mapping[str, object]) -> dict[str, str]:
    """Returns header fields as they are sent. Raises ``ValueError`` for a value that no header can
    hold. Does not show it: it may be a credential.
    """
    fields = {name: str(value) for name, value in given.items()}
    for name, value in fields.items():
        found = _NOT_IN_HEADERS.search(value)
        if found is not None:
            raise ValueError(f"the header {name} cannot hold the character U+{ord(found[0]):04X} of its value")
    return fields


def utf8(text: str) -> bytes:
    """Returns a text in UTF-8. Raises ``ValueError`` for a lone surrogate, which UTF-8 cannot hold."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        sentence = f"a text to be sent has the lone surrogate U+{code:04X} at {error.start}, which UTF-8 cannot hold"
    raise ValueError(sentence)
