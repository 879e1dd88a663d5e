"""Takes secrets out of what people read: addresses, error texts, log records."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

HIDDEN = "***"
_SECRET_OPTIONS = frozenset({"password", "passfile", "sslpassword"})  # of a database address

_NAME = (
    r"[\w-]{0,40}?(?:token|key|secret|signature|sign|password|passphrase|passwd|auth|authorization)"
)
# A parameter whose name ends like a secret's: token=, x_cg_demo_api_key=, &signature=.
_PARAMETER = re.compile(rf"(?i)({_NAME}=)[^&\s\"'#<>]+")
# The same as JSON, a header or a sentence; there, a value without a digit is rather a word.
_FIELD = re.compile(rf"(?i)({_NAME}[\"']?\s{{0,3}}:\s{{0,3}}[\"']?)(?=\S{{0,200}}\d)[^\s\"',;<>]+")
_BEARER = re.compile(r"(?i)\b(bearer\s{1,3})[^\s\"',;<>]{4,}")
_USER = re.compile(r"(://)[^/\s@?#]{1,200}@")


def redacted(url_or_text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with `***` for each known secret and for whatever is named like one.

    A secret is found in any case, plain or percent-encoded. The work grows with the length of the
    text, so cut what an upstream sent afterwards, never before: half a secret is not recognised.
    """
    text = _without(url_or_text, secrets)
    for pattern in (_PARAMETER, _BEARER, _FIELD):
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return _USER.sub(rf"\g<1>{HIDDEN}@", text)


def shown(address: str) -> str:
    """Return the address of a broker, registry or database without user, password and options."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not parts.netloc:
        return "(an address that is no URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def conceal(text: str, address: str) -> str:
    """Return a driver's error text with `***` for each secret of the address that is in it."""
    try:
        parts = urlsplit(address)
        secrets = {value for key, value in parse_qsl(parts.query) if key in _SECRET_OPTIONS}
    except ValueError:
        return "the address cannot be read"
    written = parts.netloc.rpartition("@")[0].partition(":")[2]
    return _without(text, {*secrets, written, unquote(written)})


def _without(text: str, secrets: Iterable[str]) -> str:
    # The longest first: one may lie in another.
    for secret in sorted({*secrets} - {""}, key=lambda secret: (-len(secret), secret)):
        text = re.sub("".join(map(_written, secret)), HIDDEN, text, flags=re.IGNORECASE)
    return text


def _written(character: str) -> str:
    """Return a pattern of a character: URLs encode some and leave others, each in its own way."""
    encoded = "".join(f"%{byte:02X}" for byte in character.encode())
    return rf"(?:{re.escape(character)}|{encoded}{'|[+]' if character == ' ' else ''})"
