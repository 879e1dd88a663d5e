"""Children: how they start, what they receive, and that they end."""

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from transport.supervision.ports import free_port, is_free
from transport.supervision.processes import Child, Command, StartError, tail

pytestmark = pytest.mark.embedded

SLEEP = (sys.executable, "-I", "-S", "-c", "import time; print('up', flush=True); time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('up', flush=True); time.sleep(60)",
)


def command(folder: Path, argv: tuple[str, ...], **options: object) -> Command:
    return Command(name="The child", argv=argv, log=folder / "log", **options)  # type: ignore[arg-type]


async def until_up(folder: Path) -> None:
    async with asyncio.timeout(10):
        while "up" not in (folder / "log").read_text():
            await asyncio.sleep(0.01)


async def test_a_child_runs_in_its_own_session_and_logs_to_its_file(folder: Path) -> None:
    child = await Child.start(command(folder, SLEEP))
    await until_up(folder)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    assert child.is_running()
    await child.stop()
    assert not child.is_running()
    assert child.returncode == 128 + signal.SIGTERM
    assert tail(folder / "log").strip() == "up"


async def test_the_exit_status_is_the_child_s(folder: Path) -> None:
    child = await Child.start(command(folder, (sys.executable, "-c", "raise SystemExit(7)")))
    assert await child.wait(10) == 7


async def test_a_child_that_ignores_the_stop_signal_is_killed_after_its_grace(folder: Path) -> None:
    child = await Child.start(command(folder, STUBBORN, grace_s=0.1))
    await until_up(folder)
    assert await child.stop() == 128 + signal.SIGKILL
    assert not psutil.pid_exists(child.pid)


async def test_a_stop_that_is_cancelled_kills(folder: Path) -> None:
    child = await Child.start(command(folder, STUBBORN, grace_s=60))
    await until_up(folder)
    stopping = asyncio.create_task(child.stop())
    await asyncio.sleep(0.05)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not psutil.pid_exists(child.pid)


async def test_a_start_that_is_cancelled_leaves_nothing(folder: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    starting = asyncio.create_task(Child.start(command(folder, SLEEP)))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert set(psutil.Process().children(recursive=True)) <= before


async def test_a_program_that_does_not_exist_is_a_start_error_with_its_name(folder: Path) -> None:
    with pytest.raises(StartError, match=r"The child could not be started: .*no-such-program"):
        await Child.start(command(folder, (str(folder / "no-such-program"),)))


async def test_the_grandchildren_end_with_the_child(folder: Path) -> None:
    script = f"import subprocess, sys, time; subprocess.Popen({SLEEP!r}, start_new_session=True)"
    child = await Child.start(command(folder, (sys.executable, "-c", script + "; time.sleep(60)")))
    await until_up(folder)
    (grandchild,) = psutil.Process(child.pid).children()
    await child.kill()
    assert not grandchild.is_running()


async def test_a_child_outlives_the_thread_that_started_it(folder: Path) -> None:
    children: list[Child] = []
    starter = threading.Thread(
        target=lambda: children.append(asyncio.run(Child.start(command(folder, SLEEP))))
    )
    starter.start()
    await asyncio.to_thread(starter.join)
    await asyncio.sleep(0.2)
    (child,) = children
    assert child.is_running()
    await child.stop()


async def test_a_child_ends_when_its_guard_is_killed(folder: Path) -> None:
    child = await Child.start(command(folder, SLEEP))
    process = psutil.Process(child.pid)
    os.kill(process.ppid(), signal.SIGKILL)
    async with asyncio.timeout(5):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)
    await child.wait(5)


async def test_a_signal_to_an_ended_child_does_nothing(folder: Path) -> None:
    child = await Child.start(command(folder, (sys.executable, "-c", "")))
    await child.wait(10)
    child.send(signal.SIGTERM)
    assert await child.stop() == 0


def test_free_ports_are_free_distinct_and_outside_the_range_of_outgoing_connections() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [free_port(2) for _ in range(20)]
    taken = {port + offset for port in ports for offset in (0, 1)}
    assert len(taken) == 40
    assert all(is_free(port) for port in taken)
    assert not [port for port in taken if first <= port <= last]


async def test_a_port_with_a_listener_is_not_free() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", free_port())
    port = server.sockets[0].getsockname()[1]
    assert not is_free(port)
    server.close()
    await server.wait_closed()
    assert is_free(port)


async def test_starting_and_stopping_leaves_no_descriptor_open(folder: Path) -> None:
    await (await Child.start(command(folder, SLEEP))).stop()
    before = psutil.Process().num_fds()
    started = time.perf_counter()
    for _ in range(3):
        await (await Child.start(command(folder, SLEEP))).stop()
    assert psutil.Process().num_fds() == before
    assert time.perf_counter() - started < 30


async def test_a_log_stays_below_its_limit_whatever_the_child_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTIVA_LOG_FILE_MB", "0.1")
    script = (
        "import time\n"
        "for n in range(40):\n"
        "    print('\\n'.join(f'line {n} {m}' for m in range(2000)), flush=True)\n"
        "    time.sleep(0.1)\n"
        "print('the last line', flush=True); time.sleep(60)"
    )
    child = await Child.start(command(folder, (sys.executable, "-c", script)))
    async with asyncio.timeout(60):
        while "the last line" not in tail(folder / "log"):
            await asyncio.sleep(0.05)
    await asyncio.sleep(2.5)  # what came in the last second is seen in the next one
    assert (folder / "log").stat().st_size <= 100_000
    assert 0 < (folder / "log.1").stat().st_size <= 100_000
    await child.stop()
    kept = (folder / "log.1").read_bytes() + (folder / "log").read_bytes()
    assert kept.endswith(b"line 39 1999\nthe last line\n")
    assert b"\0" not in kept  # emptied, not written on behind a hole
