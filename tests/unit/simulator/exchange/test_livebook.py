from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exchange.listings import listings
from simulator.exchange.livebook import LiveBook
from tests.unit.simulator.exchange.tiny_world import NOW_MS, TinyWorld


def a_book() -> tuple[TinyWorld, LiveBook]:
    world = TinyWorld()
    book = LiveBook(listings(world, NOW_MS)["BTCUSDT"], world, update_id=1000)
    book.refresh(NOW_MS)
    return world, book


def applied(levels: dict[float, float], changes: tuple[tuple[float, float], ...]) -> None:
    for price, size in changes:
        if size:
            levels[price] = size
        else:
            del levels[price]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(900, 1100), st.integers(0, 9), st.booleans()), min_size=1, max_size=20
    )
)
def test_the_changes_lead_from_any_book_to_the_next(steps: list[tuple[int, int, bool]]) -> None:
    world, book = a_book()
    bids, asks, said = dict(book.bids), dict(book.asks), book.update_id
    now_ms = NOW_MS
    for middle, seconds, takes in steps:
        world.cross("BTC", middle / 10 - 0.1, middle / 10 + 0.1, 5.0)
        now_ms += seconds * 1000
        if takes and book.asks:
            book.take(Decimal(repr(next(iter(book.asks)))), Decimal("0.5"))
        book.refresh(now_ms)
        for change in book.since(said):
            assert change.first_id == said + 1
            assert change.last_id - said == len(change.bids) + len(change.asks)
            said = change.last_id
            applied(bids, change.bids)
            applied(asks, change.asks)
        assert said == book.update_id
        assert (bids, asks) == (book.bids, book.asks)


def test_a_book_of_a_quiet_world_still_changes_within_seconds() -> None:
    _, book = a_book()
    for second in range(1, 6):
        book.refresh(NOW_MS + second * 1000)
    assert book.update_id > 1000
    assert list(book.asks) == [100.1, 100.2]


def test_the_same_second_is_the_same_book() -> None:
    _, book = a_book()
    before = book.update_id
    book.refresh(NOW_MS + 999)
    assert book.update_id == before
    assert book.since(before) == []


def test_sizes_are_whole_steps_and_best_comes_first() -> None:
    _, book = a_book()
    assert list(book.bids) == sorted(book.bids, reverse=True)
    assert list(book.asks) == sorted(book.asks)
    step = float(book.listing.step)
    assert all(abs(size / step - round(size / step)) < 1e-6 for size in book.asks.values())
