"""Addresses of brokers, registries and databases for logs, errors and screens: without secrets."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

SECRET_OPTIONS = frozenset({"password", "passfile", "sslpassword"})
"""Options of a database address that nobody may read."""


def shown(address: str) -> str:
    """Return a URL without user, password and options."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not parts.netloc:
        return "(an address that is no URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def conceal(text: str, address: str) -> str:
    """Return a driver's error text with the password of the address blotted out, if it is there."""
    try:
        parts = urlsplit(address)
        secrets = {value for key, value in parse_qsl(parts.query) if key in SECRET_OPTIONS}
        written = parts.netloc.rpartition("@")[0].partition(":")[2]
        secrets |= {written, unquote(written)}
    except ValueError:
        return "the address cannot be read"
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
