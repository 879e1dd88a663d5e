"""The fifty assets of the simulated market, with the size and temper of the real ones.

Prices, supplies and activity are plausible orders of magnitude, not quotations.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from schemas.coins import name_of


class Asset(NamedTuple):
    """What never changes of a simulated asset.

    `daily_vol_pct` is the part of the volatility that is the asset's own, `beta` its share in the
    market's moves. Counts of people and of transactions are in thousands; 0 where there is none.
    """

    symbol: str
    price_usd: float
    supply: float
    max_supply: float | None
    turnover: float  # traded in a day, as a share of the market cap
    daily_vol_pct: float
    beta: float
    commits_4w: int
    followers_k: float
    transactions_k: float
    hash_rate: float = 0.0

    @property
    def name(self) -> str:
        """Name for people."""
        return name_of(self.symbol)

    @property
    def market(self) -> str:
        """Symbol of its market, for example BTC/USDT."""
        return f"{self.symbol}/USDT"

    @property
    def decimals(self) -> int:
        """Decimals of its prices: six significant digits at the reference price."""
        return max(0, 5 - math.floor(math.log10(self.price_usd)))

    @property
    def hourly_vol(self) -> float:
        """Standard deviation of an hour's own log return."""
        return self.daily_vol_pct / 100.0 / math.sqrt(24.0)

    @property
    def volume_24h(self) -> float:
        """Units traded on an ordinary day."""
        return self.supply * self.turnover

    @property
    def news_per_hour(self) -> float:
        """Headlines on an ordinary hour: more about the larger ones."""
        return min(1.0, 0.12 + self.price_usd * self.supply / 1e12)


ASSETS: tuple[Asset, ...] = (
    Asset("BTC", 96_500, 19.8e6, 21e6, 0.022, 1.4, 1.0, 190, 7_400, 420, 8e20),
    Asset("ETH", 3_350, 120.4e6, None, 0.055, 2.0, 1.15, 160, 3_600, 1_210),
    Asset("XRP", 2.28, 57.4e9, 100e9, 0.050, 3.0, 0.95, 60, 2_900, 1_900),
    Asset("BNB", 690, 144e6, 200e6, 0.019, 1.7, 0.85, 45, 3_900, 4_100),
    Asset("SOL", 192, 480e6, None, 0.048, 2.9, 1.35, 230, 3_100, 61_000),
    Asset("DOGE", 0.322, 147e9, None, 0.068, 3.6, 1.30, 12, 4_100, 45, 1.1e15),
    Asset("ADA", 0.905, 35.1e9, 45e9, 0.036, 3.0, 1.20, 210, 1_400, 52),
    Asset("TRX", 0.254, 86.2e9, None, 0.032, 2.2, 0.60, 35, 1_700, 7_800),
    Asset("LINK", 22.6, 626e6, 1e9, 0.072, 3.3, 1.30, 280, 1_200, 14),
    Asset("AVAX", 36.8, 410e6, 715e6, 0.042, 3.2, 1.35, 120, 1_100, 240),
    Asset("SUI", 4.22, 2.93e9, 10e9, 0.120, 4.2, 1.45, 340, 800, 9_600),
    Asset("XLM", 0.372, 30.4e9, 50e9, 0.030, 3.4, 1.00, 70, 820, 2_700),
    Asset("SHIB", 0.0000219, 589e12, None, 0.042, 3.7, 1.30, 8, 3_900, 110),
    Asset("TON", 5.62, 2.55e9, None, 0.018, 2.8, 0.95, 140, 2_500, 3_600),
    Asset("HBAR", 0.281, 38.2e9, 50e9, 0.062, 4.0, 1.15, 150, 480, 5_200),
    Asset("BCH", 448, 19.8e6, 21e6, 0.046, 2.8, 1.05, 25, 1_150, 38, 4.2e18),
    Asset("DOT", 7.12, 1.53e9, None, 0.038, 3.0, 1.25, 400, 1_500, 410),
    Asset("LTC", 106, 75.4e6, 84e6, 0.075, 2.7, 1.00, 18, 1_300, 195, 1.6e15),
    Asset("UNI", 13.6, 600e6, 1e9, 0.055, 3.7, 1.30, 110, 1_250, 24),
    Asset("PEPE", 0.0000186, 420.7e12, 420.7e12, 0.190, 5.4, 1.50, 2, 900, 31),
    Asset("AAVE", 312, 15.0e6, 16e6, 0.110, 3.9, 1.30, 85, 720, 9),
    Asset("NEAR", 5.12, 1.17e9, None, 0.060, 3.6, 1.35, 260, 2_200, 7_300),
    Asset("APT", 9.05, 560e6, None, 0.062, 3.6, 1.35, 310, 620, 3_400),
    Asset("ICP", 10.1, 477e6, None, 0.031, 3.3, 1.25, 420, 540, 880),
    Asset("ETC", 26.4, 150e6, 210.7e6, 0.048, 3.0, 1.20, 10, 650, 25, 2.9e14),
    Asset("ONDO", 1.36, 1.39e9, 10e9, 0.170, 4.8, 1.35, 15, 260, 6),
    Asset("POL", 0.462, 8.4e9, None, 0.036, 3.3, 1.30, 95, 2_000, 3_200),
    Asset("TAO", 455, 7.4e6, 21e6, 0.072, 4.2, 1.45, 90, 210, 26),
    Asset("RENDER", 7.05, 517e6, 644e6, 0.058, 4.2, 1.45, 30, 330, 5),
    Asset("ATOM", 6.42, 390e6, None, 0.046, 3.1, 1.25, 130, 950, 62),
    Asset("ALGO", 0.342, 8.3e9, 10e9, 0.052, 3.7, 1.15, 120, 410, 1_800),
    Asset("FIL", 5.02, 613e6, 1.96e9, 0.088, 3.5, 1.30, 105, 690, 310),
    Asset("ARB", 0.742, 4.2e9, 10e9, 0.115, 3.9, 1.40, 75, 1_000, 2_100),
    Asset("VET", 0.0462, 81e9, 86.7e9, 0.024, 3.4, 1.15, 40, 760, 210),
    Asset("KAS", 0.118, 25.4e9, 28.7e9, 0.028, 4.1, 1.10, 35, 310, 82, 1.3e18),
    Asset("FET", 1.27, 2.6e9, 2.71e9, 0.095, 4.5, 1.45, 55, 420, 8),
    Asset("MKR", 1_490, 878e3, 1.0e6, 0.075, 3.6, 1.15, 35, 260, 3),
    Asset("WLD", 2.12, 850e6, 10e9, 0.190, 4.8, 1.45, 80, 520, 950),
    Asset("OP", 1.84, 1.35e9, 4.29e9, 0.110, 3.9, 1.40, 180, 700, 920),
    Asset("INJ", 20.4, 98.9e6, None, 0.072, 4.0, 1.40, 90, 680, 1_100),
    Asset("STX", 1.54, 1.5e9, 1.82e9, 0.050, 3.8, 1.35, 60, 520, 17),
    Asset("IMX", 1.31, 1.72e9, 2e9, 0.026, 3.7, 1.35, 45, 380, 210),
    Asset("SEI", 0.412, 4.2e9, 10e9, 0.100, 4.2, 1.40, 95, 690, 1_250),
    Asset("GRT", 0.206, 9.5e9, None, 0.040, 3.7, 1.30, 140, 340, 7),
    Asset("TIA", 4.86, 478e6, None, 0.110, 4.5, 1.45, 110, 420, 65),
    Asset("LDO", 1.79, 897e6, 1e9, 0.090, 4.2, 1.35, 30, 240, 4),
    Asset("RUNE", 4.71, 341e6, 500e6, 0.120, 4.4, 1.35, 65, 260, 48),
    Asset("QNT", 106, 14.5e6, 14.9e6, 0.018, 3.0, 1.00, 6, 210, 2),
    Asset("FLOW", 0.731, 1.55e9, None, 0.060, 3.5, 1.25, 85, 230, 640),
    Asset("SAND", 0.561, 2.44e9, 3e9, 0.130, 4.1, 1.40, 12, 1_050, 3),
)
"""All fifty, by market cap at the reference prices, roughly."""
