"""Strangers at the bridge: requests that are none, bodies that lie, connections that say nothing.

All of it over sockets: what is sent is what a stranger sends.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import subprocess
import sys
import time
import zlib
from typing import Any

import msgspec
import pytest

from sinks.bridge.auth import Role
from sinks.bridge.connections import SPARE_HANDLES
from tests.unit.sinks.bridge_api.fixtures import TOKENS, Bridge, bridge

JSON = {"Content-Type": "application/json"}
BODY = msgspec.json.encode({"name": "Mine", "weights": {"technical": 1.0}})
UTF16 = BODY.decode().encode("utf-16")
HANGS_S = 60.0

MALFORMED = {
    "no words": b"\x00\x01\x02\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 32 + b"\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "version": b"GET / HTTP/x.y\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "no number": b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
    "two ends": b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "long header": b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2_000 + b"\r\n",
    "long line": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "half an address": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "br": b"PUT /api/v1/me HTTP/1.1\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\n?",
    "zstd": b"PUT /api/v1/me HTTP/1.1\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\n?",
}  # fmt: skip


async def sent(it: Bridge, data: bytes, from_: str = "127.0.0.1") -> bytes:
    """Send bytes over a connection and return all that comes until it is closed."""
    reader, writer = await opened(it, from_)
    writer.write(data)
    async with asyncio.timeout(HANGS_S):
        found = await reader.read()
    writer.close()
    return found


async def opened(
    it: Bridge, from_: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = it.client.server.port
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(from_, 0))


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Say whether the other side closes the connection soon."""
    try:
        async with asyncio.timeout(0.3):
            return await reader.read(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def check_log(caplog: pytest.LogCaptureFixture, most: int = 1) -> None:
    """No traceback, no ERROR, and a line or so."""
    assert [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR] == []
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) <= most


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_400_and_one_line(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge(settings={"request_s": 1.0}) as it:
        answer = await sent(it, data)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split(b" ")[1] in {b"400", b"401", b"415"}, answer
        assert b"Server: quantiva\r\n" in head + b"\r\n"
        assert b"nosniff" in head
        assert msgspec.json.decode(body)["status"] in {400, 401, 415}
    check_log(caplog)


LIES = {
    "gzip": ({"Content-Encoding": "gzip"}, BODY),
    "gzip cut off": ({"Content-Encoding": "gzip"}, gzip.compress(BODY)[:-12]),
    "gzip, wrong sum": ({"Content-Encoding": "gzip"}, gzip.compress(BODY)[:-8] + b"\0" * 8),
    "gzip in capitals": ({"Content-Encoding": "GZIP"}, b"\x1f\x8b no gzip"),
    "deflate": ({"Content-Encoding": "deflate"}, BODY),
    "deflate cut off": ({"Content-Encoding": "deflate"}, zlib.compress(BODY)[:-6]),
    "deflate is gzip": ({"Content-Encoding": "deflate"}, gzip.compress(BODY)),
    "br": ({"Content-Encoding": "br"}, b"\x0b\x02\x80"),
    "zstd": ({"Content-Encoding": "zstd"}, b"\x28\xb5\x2f\xfd"),
    "compress": ({"Content-Encoding": "compress"}, BODY),
    "two": ({"Content-Encoding": "gzip, gzip"}, gzip.compress(gzip.compress(BODY))),
    "made up": ({"Content-Encoding": "quantum\xff"}, BODY),
    "nothing": ({"Content-Encoding": "gzip"}, b""),
    "UTF-16": ({"Content-Type": "application/json; charset=utf-16"}, UTF16),
}  # fmt: skip


@pytest.mark.parametrize("who", [Role.TRADER, None], ids=["trader", "stranger"])
@pytest.mark.parametrize(("headers", "data"), LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
async def test_a_body_that_lies_about_its_encoding_is_400(
    headers: dict[str, str],
    data: bytes,
    chunked: bool,
    who: Role | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bridge(settings={"request_s": 1.0}) as it:
        head = {**JSON, **headers, "Host": "a", "Connection": "close"}
        if who is not None:
            head["Authorization"] = f"Bearer {TOKENS[who]}"
        head |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(data))}
        lines = ["PUT /api/v1/strategies/mine HTTP/1.1", *(f"{k}: {v}" for k, v in head.items())]
        end = b"0\r\n\r\n" if chunked else b""
        chunk = b"%x\r\n%s\r\n" % (len(data), data) if chunked and data else data
        answer = await sent(it, "\r\n".join([*lines, "", ""]).encode("latin-1") + chunk + end)
        status = int(answer.split(b" ")[1])
        assert status in ({400, 415} if who else {400, 401}), answer
        assert b"application/problem+json" in answer
        assert it.log.strategies == []
    check_log(caplog, most=2)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
async def test_a_body_that_tells_the_truth_is_taken(pack: Any) -> None:
    async with bridge() as it:
        encoding = "gzip" if pack is gzip.compress else "deflate"
        status, body, _ = await it.call(
            "PUT", "/api/v1/strategies/new", Role.TRADER, data=pack(BODY),
            headers={**JSON, "Content-Encoding": encoding},
        )  # fmt: skip
        assert status == 201, body


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"zz\r\n{}\r\n0\r\n\r\n", id="size"),
        pytest.param(b"5\r\n{}\r\n0\r\n\r\n", id="too short"),
        pytest.param(b"ffffffffffffffffff\r\n{}\r\n", id="too large"),
        pytest.param(b"2;x=\n\r\n{}\r\n0\r\n\r\n", id="extension"),
    ],
)
async def test_chunks_that_are_none_are_400(
    broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge(settings={"request_s": 0.5}) as it:
        answer = await sent(
            it,
            b"PUT /api/v1/strategies/mine HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer "
            + TOKENS[Role.TRADER].encode()
            + b"\r\n\r\n"
            + broken,
        )
        assert answer.split(b" ")[1] in {b"400", b"408"}, answer
    check_log(caplog, most=3)


@pytest.mark.parametrize(
    ("path", "who"),
    [("/health", None), ("/docs", None), ("/api/v1/me", Role.VIEWER), ("/nothing", Role.VIEWER),
     ("/api/v1/me", None)],
)  # fmt: skip
async def test_every_answer_says_nosniff_and_no_version(path: str, who: Role | None) -> None:
    async with bridge() as it:
        _, _, headers = await it.call("GET", path, who)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "quantiva"


HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"
TRICKLES = {
    "silent": (b"", b""),
    "a byte at a time": (b"", HEAD * 100),
    "a header without an end": (HEAD, b"X: y\r\n" * 1000),
    "after an answer": (HEAD + b"\r\n", HEAD * 100),
    "idle after an answer": (HEAD + b"\r\n", b""),
    "a body without a token": (
        b"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n",
        b"x" * 1000,
    ),
}


@pytest.mark.parametrize(("first", "then"), TRICKLES.values(), ids=TRICKLES.keys())
async def test_who_takes_too_long_is_cut_off(first: bytes, then: bytes) -> None:
    async with bridge(settings={"request_s": 0.5}) as it:
        began_s = time.monotonic()
        reader, writer = await opened(it)
        writer.write(first)
        closed = asyncio.create_task(reader.read())
        for number in range(len(then)):
            if closed.done():
                break
            writer.write(then[number : number + 1])
            await asyncio.sleep(0.05)
        async with asyncio.timeout(HANGS_S):
            await asyncio.wait({closed})
        assert time.monotonic() - began_s < 20
        writer.close()


async def test_a_body_that_trickles_in_is_408() -> None:
    async with bridge(settings={"request_s": 0.5}) as it:
        reader, writer = await opened(it)
        token = TOKENS[Role.TRADER].encode()
        writer.write(
            b"PUT /api/v1/strategies/mine HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 60000\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
        )
        answer = asyncio.create_task(reader.read())
        while not answer.done():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        assert answer.result().split(b" ")[1] == b"408"
        writer.close()


async def test_silent_connections_of_one_address_keep_nobody_out() -> None:
    async with bridge(settings={"max_strangers": 3, "request_s": 6.0}) as it:
        assert (await it.call("GET", "/api/v1/me"))[0] == 200  # a connection that is known, kept
        silent = [await opened(it) for _ in range(10)]
        elsewhere = await opened(it, "127.0.0.2")
        await asyncio.sleep(3.0)  # they had 2 s to show a token
        closed = await asyncio.gather(*(is_closed(reader) for reader, _ in silent))
        assert closed == [True] * 7 + [False] * 3
        assert not await is_closed(elsewhere[0])
        assert b"HTTP/1.1 200" in await sent(it, HEAD + b"Connection: close\r\n\r\n")
        assert (await it.call("GET", "/api/v1/me"))[0] == 200
        for _, writer in [*silent, elsewhere]:
            writer.close()


async def test_many_clients_behind_one_address_connect_at_once() -> None:
    async with bridge(settings={"max_strangers": 2, "requests_minute": 10_000}) as it:
        async with asyncio.timeout(HANGS_S):
            answers = await asyncio.gather(*(sent(it, _asks_me()) for _ in range(200)))
        assert all(b"200 OK" in one for one in answers)


def _asks_me(end: bytes = b"Connection: close\r\n") -> bytes:
    token = TOKENS[Role.VIEWER].encode()
    head = b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token
    return head + b"\r\n" + end + b"\r\n"


async def test_silent_connections_of_many_addresses_keep_nobody_out() -> None:
    async with bridge(settings={"max_connections": 8, "max_strangers": 2}) as it:
        silent = [await opened(it, f"127.0.0.{2 + n // 2}") for n in range(20)]
        still_open = [reader for reader, _ in silent if not await is_closed(reader)]
        assert len(still_open) == 8
        for _ in range(3):
            assert b"HTTP/1.1 200" in await sent(it, HEAD + b"Connection: close\r\n\r\n")
        for _, writer in silent:
            writer.close()


async def test_connections_of_who_is_known_are_not_counted_by_address() -> None:
    async with bridge(settings={"max_strangers": 2, "request_s": 3.0}) as it:
        known = [await opened(it) for _ in range(6)]
        for reader, writer in known:
            writer.write(_asks_me(b""))
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        silent = [await opened(it) for _ in range(4)]
        await asyncio.sleep(1.8)
        closed = await asyncio.gather(*(is_closed(reader) for reader, _ in silent))
        assert closed == [True, True, False, False]
        for reader, writer in known:
            writer.write(_asks_me())
            assert (await reader.read()).count(b"200 OK") == 1
            writer.close()


def test_there_are_fewer_connections_than_file_handles() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (200, 1024)); "
        "from sinks.bridge.connections import room_for; "
        "print(room_for(12000), r.getrlimit(r.RLIMIT_NOFILE)[0], room_for(500))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(1024 - SPARE_HANDLES), "1024", "500"]
    assert "1024 files" in found.stderr


async def test_wrong_tokens_are_slowed_down_and_right_ones_are_not() -> None:
    async with bridge(slow_s=1.0) as it:
        async with asyncio.timeout(5):
            for number in range(10):
                assert (await it.call("GET", "/api/v1/me", f"wrong-{number}"))[0] == 401
        began_s = time.monotonic()
        wrong = asyncio.create_task(it.call("GET", "/api/v1/me", "wrong-again"))
        for _ in range(20):
            assert (await it.call("GET", "/api/v1/me"))[0] == 200
        assert not wrong.done() or time.monotonic() - began_s >= 1.0
        assert (await wrong)[0] == 401
        assert time.monotonic() - began_s >= 1.0
