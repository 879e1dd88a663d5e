"""Roles and who has them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sinks.bridge.auth.errors import ForbiddenError


class Role(StrEnum):
    """What somebody may do; each role may do what the ones before it may."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    def suffices(self, needed: Role) -> bool:
        """Return whether this role may do what `needed` may."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


class Principal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who a token belongs to. `name` is also the user_id of the strategies that are its own."""

    name: str
    role: Role

    def require(self, needed: Role) -> None:
        """Raise ForbiddenError unless the role suffices."""
        if not self.role.suffices(needed):
            msg = f"This needs the role {needed.value}; the token of {self.name} is a {self.role}."
            raise ForbiddenError(msg)
