"""A world of two assets whose prices and books a test sets itself."""

from __future__ import annotations

from simulator.shapes import AssetRow, Book, Kline, Ticker

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000
LENGTHS = {"1m": 60_000, "1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": 24 * HOUR_MS}

ROWS = (
    AssetRow("BTC", "Bitcoin", "bitcoin", "bitcoin", 19.8e6, 21e6, 1),
    AssetRow("PEPE", "Pepe", "pepe", "pepe", 4e14, 4e14, 10),
)


class TinyWorld:
    """`books` and `prices` by asset; every candle opened at 100 and closed at its own number."""

    def __init__(self) -> None:
        self.prices = {"BTC": 100.0, "PEPE": 0.00002}
        self.books = {
            "BTC": Book(((99.9, 10.0), (99.8, 20.0)), ((100.1, 10.0), (100.2, 20.0))),
            "PEPE": Book(((0.0000199999, 1e9),), ((0.0000200001, 1e9),)),
        }

    async def ready(self, now_ms: int) -> None:
        """Be ready."""

    def assets(self) -> tuple[AssetRow, ...]:
        return ROWS

    def price(self, symbol: str, now_ms: int) -> float:
        return self.prices[symbol]

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        price = self.prices[symbol]
        return Ticker(price, price * 0.9, price * 1.1, price * 0.8, 24.0, 24.0 * price)

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        book = self.books[symbol]
        return Book(book.bids[:levels], book.asks[:levels])

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        length_ms = LENGTHS[timeframe]
        under_way = now_ms // length_ms
        first = under_way - limit + 1 if start_ms is None else -(-start_ms // length_ms)
        numbers = range(first, min(first + limit, under_way + 1))
        return [
            Kline(
                number * length_ms,
                100.0,
                200.0 + number % 7,
                50.0 - number % 5,
                float(number),
                2.0,
                number < under_way,
            )
            for number in numbers
        ]

    def cross(self, symbol: str, bid: float, ask: float, size: float) -> None:
        """Give a market a book of one level a side."""
        self.books[symbol] = Book(((bid, size),), ((ask, size),))
