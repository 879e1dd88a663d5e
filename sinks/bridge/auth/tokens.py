"""Bearer tokens: read from the settings, kept as hashes, compared in constant time."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from schemas.names import wrong_id
from sinks.bridge.auth.roles import Principal
from sinks.bridge.settings import BridgeSettings

LEAST_CHARACTERS = 16
"""A shorter token could be guessed over the network."""
_HASHED = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Tokens:
    """SHA-256 of each token, and whose it is. The tokens themselves are not kept."""

    hashes: tuple[tuple[bytes, Principal], ...] = ()

    @classmethod
    def of(cls, settings: BridgeSettings) -> Self:
        """Return the tokens of the settings, of the file and of the environment.

        ValueError, without a token in its text, when they cannot be read.
        """
        found: dict[str, Principal] = {}
        if settings.tokens_file is not None:
            found |= _parsed(_text(settings.tokens_file), "QUANTIVA_BRIDGE_TOKENS_FILE")
        if settings.tokens is not None:
            found |= _parsed(settings.tokens.get_secret_value(), "QUANTIVA_BRIDGE_TOKENS")
        return cls(tuple(_hashes(found)))

    def find(self, token: str) -> Principal | None:
        """Return whose token it is, or None; always looks at every one."""
        found = None
        wanted = sha256(token.encode("utf-8", "surrogateescape")).digest()
        for digest, principal in self.hashes:
            if hmac.compare_digest(digest, wanted):
                found = principal
        return found

    def key(self) -> bytes:
        """Return a key that every bridge with the same tokens has, and nobody else."""
        together = b"".join(sorted(digest for digest, _ in self.hashes))
        return hmac.digest(together, b"quantiva bridge tickets", "sha256")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")  # with or without a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        msg = f"QUANTIVA_BRIDGE_TOKENS_FILE cannot be read: {why}"
        raise ValueError(msg) from None


def _parsed(text: str, where: str) -> dict[str, Principal]:
    try:
        return msgspec.json.decode(text, type=dict[str, Principal])
    except msgspec.DecodeError as error:
        # The path of msgspec's error names keys as [...], so no token is in it.
        msg = (
            f'{where} must be JSON like {{"<token>": {{"name": "desk", "role": "viewer"}}}} with '
            f"the roles viewer, trader and admin: {error}"
        )
        raise ValueError(msg) from None


def _hashes(found: Mapping[str, Principal]) -> Iterable[tuple[bytes, Principal]]:
    for token, principal in found.items():
        if not principal.name:
            msg = "A token of the bridge has an empty name; names tell in logs who asked."
            raise ValueError(msg)
        if wrong := wrong_id(principal.name):  # it becomes the user_id of strategies
            msg = f"The name of a token of the bridge {wrong}."
            raise ValueError(msg)
        hashed = _HASHED.fullmatch(token)
        if hashed is None and len(token) < LEAST_CHARACTERS:
            msg = (
                f"The token of {principal.name} has {len(token)} characters; make it "
                f"{LEAST_CHARACTERS} or more, for example with `openssl rand -hex 24`."
            )
            raise ValueError(msg)
        digest = bytes.fromhex(hashed[1]) if hashed else sha256(token.encode()).digest()
        yield digest, principal
