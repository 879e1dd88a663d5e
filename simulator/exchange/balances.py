"""What an account holds: free, or locked by its open orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from simulator.exchange.amounts import ZERO

START: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10)}
"""What a new account holds."""


class Balances:
    """Amounts by asset, never below zero."""

    def __init__(self, start: Mapping[str, Decimal] = START) -> None:
        self._free = dict(start)
        self._locked: dict[str, Decimal] = {}

    def free(self, asset: str) -> Decimal:
        """Return what can be spent."""
        return self._free.get(asset, ZERO)

    def locked(self, asset: str) -> Decimal:
        """Return what open orders hold."""
        return self._locked.get(asset, ZERO)

    def assets(self) -> list[str]:
        """Return the assets that were ever held, in the order in which they came."""
        return list(dict.fromkeys((*self._free, *self._locked)))

    def lock(self, asset: str, amount: Decimal) -> bool:
        """Lock an amount; False, and nothing changes, if less than that is free."""
        if self.free(asset) < amount:
            return False
        self._free[asset] = self.free(asset) - amount
        self._locked[asset] = self.locked(asset) + amount
        return True

    def unlock(self, asset: str, amount: Decimal) -> None:
        """Give a locked amount back."""
        self._locked[asset] = self.locked(asset) - amount
        self._free[asset] = self.free(asset) + amount

    def pay(self, asset: str, amount: Decimal) -> None:
        """Take a locked amount away."""
        self._locked[asset] = self.locked(asset) - amount

    def receive(self, asset: str, amount: Decimal) -> None:
        """Add to what is free."""
        self._free[asset] = self.free(asset) + amount
