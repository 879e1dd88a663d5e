"""The text that bytes are, whatever header and document claim; pure."""

from __future__ import annotations

import re

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
)

from marketdata.assets.clean_text import UNREADABLE

_UTF_16 = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_SEVEN_BITS = ("iso2022", "hz")
_DEFAULT = "cp1252"  # what servers claim that were told nothing (Latin-1, ASCII): believed last
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x80-\x9f]")  # no text has them


def text_of(body: bytes, content_type: str | None) -> str:
    """Return the text of a document.

    A byte order mark goes first, then what the bytes are: what is UTF-8 and not plain ASCII is
    UTF-8, since no other text is that by chance; what is so for the most part is UTF-8 with
    `UNREADABLE` in it. For other bytes the claims of header and document are tried, first the one
    that is no server's default; one that the bytes contradict does not count. Where none is left,
    `UNREADABLE` stands for every byte that is no UTF-8.
    """
    marked, mark = read_bom(body)
    if marked is not None and mark is not None:
        return body[len(mark) :].decode(marked, "replace")
    claims = [
        codec
        for claim in (http_content_type_encoding(content_type), html_body_declared_encoding(body))
        if claim is not None and (codec := resolve_encoding(claim)) is not None
    ]
    as_utf_8 = body.decode("utf-8", "replace")
    if body[:2] in _UTF_16:
        claims = [_UTF_16[body[:2]]]
    elif body.isascii():
        claims = [claim for claim in claims if claim.startswith(_SEVEN_BITS)]
    elif _is_utf_8(as_utf_8):
        return as_utf_8
    for claim in sorted(claims, key=_DEFAULT.__eq__):
        found = _decoded(body, claim)
        if found is not None:
            return found
    return as_utf_8


def _is_utf_8(text: str) -> bool:
    """Return whether fewer letters could not be read than those that are no ASCII and could."""
    unreadable = text.count(UNREADABLE)
    return unreadable == 0 or 2 * unreadable < sum(not letter.isascii() for letter in text)


def _decoded(body: bytes, codec: str) -> str | None:
    """Return the text, or None where the bytes are none of that encoding."""
    try:
        found = body.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if _CONTROL.search(found) else found
