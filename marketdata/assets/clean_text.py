"""Text as people should read it, whatever wrong decoding left in it."""

from __future__ import annotations

import html
import re

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
# A UTF-8 sequence whose bytes were each taken for a Latin-1 letter, such as "Ã¶" for "ö".
_MISREAD = re.compile("[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}")
# What is left of "â\x80\x93" (a dash) and its like where the first two bytes were lost.
_LAST_BYTE = re.compile("[\u0080-\u009f]")
# What is left of a no-break space where its second byte was lost.
_LONE_LEAD = re.compile(r"Â(?=\s|$)")


def clean_text(text: str) -> str:
    r"""Return the text without the marks that wrong decoding left in it.

    Escapes such as `\x93` written out, UTF-8 read as Latin-1, HTML entities, no-break spaces; runs
    of white space become one space. Right text stays as it is.
    """
    if "\\x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    text = _MISREAD.sub(_reread, text)
    text = _LAST_BYTE.sub(lambda match: chr(0x2000 + ord(match[0]) - 0x80), text)
    text = _LONE_LEAD.sub("", text)
    return " ".join(html.unescape(text).split())


def _reread(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
