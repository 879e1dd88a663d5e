"""Text as people should read it, whatever wrong decoding left in it."""

from __future__ import annotations

import html
import re

from ftfy import fix_encoding

UNREADABLE = "\ufffd"
"""Stands for bytes that are no letters; a headline that holds it is not published."""
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
# A UTF-8 sequence whose bytes were each taken for a Latin-1 letter, one of them for a control
# character that no text has: the others are found by `fix_encoding`, which knows right text.
_MISREAD = re.compile(
    "[\u00c2-\u00df][\u0080-\u009f]"
    "|[\u00e0-\u00ef](?:[\u0080-\u009f][\u0080-\u00bf]|[\u00a0-\u00bf][\u0080-\u009f])"
)
# What is left of "â\x80\x93" (a dash) and its like where the first two bytes were lost.
_LAST_BYTE = re.compile("[\u0080-\u009f]")
# What is left of a no-break space where its second byte was lost.
_LONE_LEAD = re.compile(r"Â(?=\s|$)")


def clean_text(text: str) -> str:
    r"""Return the text without the marks that wrong decoding left in it.

    Escapes such as `\x93` written out, UTF-8 read as another encoding ("Ã¶" for "ö"), HTML
    entities, no-break spaces; runs of white space become one space. Right text stays as it is.
    """
    if "\\x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    text = _MISREAD.sub(_reread, html.unescape(text))
    text = _LAST_BYTE.sub(lambda match: chr(0x2000 + ord(match[0]) - 0x80), text)
    if not text.isascii():
        text = fix_encoding(text)
    text = _LONE_LEAD.sub("", text)
    return " ".join(text.split())


def _reread(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
