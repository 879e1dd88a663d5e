"""The way out to one client: order, bounds, conflation."""

from __future__ import annotations

import asyncio

from sinks.bridge.frames import Frame, control
from sinks.bridge.hub.send_queue import SOCKET_BYTES, SendQueue
from tests.unit.sinks.bridge.memory_log import Socket

FULL = SOCKET_BYTES + 1


def send_queue(socket: Socket, slow: list[str], limit: int = 3, stall_s: float = 60.0) -> SendQueue:
    return SendQueue(
        socket, socket.drain, lambda: slow.append("slow"), limit=limit, stall_s=stall_s
    )


def numbered(number: int) -> Frame:
    return control("x", id=number)


def price(asset: str, number: int) -> Frame:
    return Frame(b'{"type":"%s","id":%d}' % (asset.encode(), number), key=asset)


def ids(socket: Socket) -> list[int]:
    return [frame["id"] for frame in socket.frames()]


async def test_frames_go_straight_to_a_socket_that_takes_them() -> None:
    socket = Socket()
    queue = send_queue(socket, [])
    for number in range(10):
        queue.send(numbered(number))
    assert ids(socket) == list(range(10))
    assert queue.waiting == 0


async def test_a_full_socket_keeps_them_in_order_until_it_drains() -> None:
    socket = Socket()
    queue = send_queue(socket, [])
    queue.send(numbered(0))
    socket.stuck = FULL
    for number in (1, 2, 3):
        queue.send(numbered(number))
    await asyncio.sleep(0)
    assert ids(socket) == [0]
    socket.let_go()
    queue.send(numbered(4))  # not past those that wait
    await queue.flushed()
    assert ids(socket) == [0, 1, 2, 3, 4]


async def test_of_prices_that_wait_only_the_latest_of_an_asset_goes_out() -> None:
    socket = Socket()
    slow: list[str] = []
    queue = send_queue(socket, slow)
    socket.stuck = FULL
    queue.send(numbered(0))
    for number in range(1, 100):
        queue.send(price("BTC", number))
        queue.send(price("ETH", -number))
    queue.send(numbered(100))
    socket.let_go()
    await queue.flushed()
    assert ids(socket) == [0, 99, -99, 100]
    assert slow == []


async def test_one_more_than_the_limit_is_too_slow() -> None:
    socket = Socket()
    slow: list[str] = []
    queue = send_queue(socket, slow, limit=3)
    socket.stuck = FULL
    for number in range(3):
        queue.send(numbered(number))
    assert slow == []
    queue.send(numbered(3))
    assert slow == ["slow"]
    queue.close()


async def test_a_socket_that_takes_nothing_for_long_is_too_slow() -> None:
    socket = Socket()
    slow: list[str] = []
    queue = send_queue(socket, slow, stall_s=0.02)
    socket.stuck = FULL
    queue.send(numbered(0))
    await queue.flushed()
    assert slow == ["slow"]


async def test_a_socket_that_takes_something_now_and_then_is_not_too_slow() -> None:
    socket = Socket()
    slow: list[str] = []
    queue = send_queue(socket, slow, stall_s=0.1)
    socket.stuck = 20 * FULL
    queue.send(numbered(0))
    for _ in range(19):
        await asyncio.sleep(0.02)
        socket.stuck -= FULL
    assert slow == []
    socket.let_go()
    await queue.flushed()
    assert (ids(socket), slow) == ([0], [])


async def test_the_last_words_come_behind_what_the_socket_has_and_nothing_after_them() -> None:
    socket = Socket()
    queue = send_queue(socket, [])
    queue.send(numbered(0))
    socket.stuck = FULL
    queue.send(numbered(1))
    queue.close_with(numbered(2))
    queue.send(numbered(3))
    socket.let_go()
    await asyncio.sleep(0)
    assert ids(socket) == [0, 2]


async def test_a_client_that_is_gone_is_no_error() -> None:
    socket = Socket()

    async def broken() -> None:
        raise ConnectionResetError

    queue = SendQueue(socket, broken, lambda: None, limit=3)
    socket.stuck = FULL
    queue.send(numbered(0))
    await queue.flushed()
    queue.send(numbered(1))
    assert socket.written == []
