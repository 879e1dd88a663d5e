"""An upstream's requests, spread over the day and the assets."""

from __future__ import annotations

from collections.abc import Sequence

from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.budget import allowance, chosen, expected_refresh_s
from transport.clock import Clock


class RequestBudget:
    """How many requests of one kind an upstream gets, and about which assets.

    cadence_s  how often `take` is called
    reserved   requests of the day that others of the same upstream need
    cost       requests that one asset takes
    share      part of each minute's requests that it may take: of all kinds together at most half,
               the other half is left for the cycle's own requests
    """

    def __init__(
        self,
        client: UpstreamClient,
        clock: Clock,
        cadence_s: float,
        *,
        reserved: int,
        cost: int = 1,
        share: float = 0.5,
    ) -> None:
        self._client, self._clock, self._cadence_s = client, clock, cadence_s
        self._reserved, self._cost, self._share = reserved, cost, share
        self._fetched_ms: dict[str, int] = {}
        self._listed_ms: dict[str, int] = {}
        self._carried = 0
        self._failed: str | None = None

    def take(self, assets: Sequence[str]) -> tuple[str, ...]:
        """Return the assets, in the order of their rank, to request now; often fewer than given."""
        if not assets:
            return ()
        quota, now_ms = self._client.quota, self._clock.now_ms()
        per_day = quota.limit_day
        left = quota.left_day()
        used = quota.used_day() if per_day is None or left is None else per_day - left
        per_minute = quota.limits.per_minute
        per_minute = None if per_minute is None else int(per_minute * self._share)  # see `pause`
        requests = allowance(
            now_ms, used, per_day, self._cadence_s, self._reserved, per_minute=per_minute
        )
        self._set_refresh(assets, per_day, per_minute)
        self._fetched_ms = {
            asset: at_ms for asset, at_ms in self._fetched_ms.items() if asset in assets
        }
        self._listed_ms = {asset: self._listed_ms.get(asset, now_ms) for asset in assets}
        # What is left of an odd request is carried on, else one a cycle would never make a turn.
        self._carried += requests
        budget = self._carried // self._cost
        self._carried -= budget * self._cost
        return chosen(assets, self._fetched_ms, budget, now_ms, self._listed_ms)

    async def pause(self) -> None:
        """Wait so that its requests take no more than their share of each minute."""
        per_minute = self._client.quota.limits.per_minute
        if per_minute is not None:
            await self._clock.sleep(60.0 / (per_minute * self._share))

    def done(self, asset: str) -> None:
        """Mark an asset as served now."""
        self._fetched_ms[asset] = self._clock.now_ms()
        self._failed = None

    def failed(self, asset: str) -> None:
        """Mark the request for an asset as failed. It is retried first, once.

        A second failure in a row counts as served, so one bad asset starves no other.
        """
        if self._failed == asset:
            self.done(asset)
        else:
            self._failed = asset

    def _set_refresh(
        self, assets: Sequence[str], per_day: int | None, per_minute: int | None
    ) -> None:
        """Report to the health how old (s) the data of the last asset may get."""
        cycles = 86_400.0 / self._cadence_s
        possible = [] if per_day is None else [max(per_day - self._reserved, 0) / cycles]
        if per_minute is not None:
            possible.append(per_minute * self._cadence_s / 60.0)
        budget = min(possible, default=float(len(assets))) / self._cost
        if budget > 0.0:
            last = len(assets) - 1
            self._client.health.refresh_s = expected_refresh_s(
                last, len(assets), budget, self._cadence_s
            )
