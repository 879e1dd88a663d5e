"""Database addresses for people and for drivers. No function here ever shows a password."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from schemas.address import SECRET_OPTIONS

_SCHEMES = frozenset({"postgres", "postgresql"})


def redact(dsn: str) -> str:
    """Return the address without its secrets, for logs and errors."""
    try:
        parts = urlsplit(dsn)
        if parts.scheme not in _SCHEMES:
            return "the database (its address is not a postgresql:// URL)"
        user, at, host = parts.netloc.rpartition("@")
        name, colon, _password = user.partition(":")
        kept = [
            (key, "***" if key in SECRET_OPTIONS else value)
            for key, value in parse_qsl(parts.query)
        ]
        netloc = f"{name}:***{at}{host}" if colon else parts.netloc
        return urlunsplit((parts.scheme, netloc, parts.path, urlencode(kept, safe="*/"), ""))
    except ValueError:
        return "the database (its address cannot be read)"


def yoyo_uri(dsn: str) -> str:
    """Return the address as yoyo wants it: with the driver in the scheme.

    ValueError, without the address in its text, when it is not a postgresql:// URL.
    """
    scheme, separator, rest = dsn.partition("://")
    if not separator or scheme not in _SCHEMES:
        message = "The database address must look like postgresql://user:password@host:port/name."
        raise ValueError(message)
    return f"postgresql+psycopg://{rest}"
