"""`python -m simulator`: its address, its clock, its errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.conftest import ROOT
from transport.clock import ScaledClock

COMMAND = [sys.executable, "-m", "simulator"]


def run(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--port", "0", *options],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_it_serves_recorded_data_until_it_is_told_to_stop(shared_data):
    options = ("--data", str(shared_data), "--start", "2022-02-01T00:00", "--speed", "60")
    with run(*options, "--limit", "coingecko=2") as process:
        try:
            address = process.stdout.readline().strip().removeprefix("READY ")
            clock = dict(part.split("=") for part in process.stdout.readline().split())
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(f"{address}/_time", timeout=60) as answer:
                told = json.load(answer)
            own = ScaledClock(1_643_673_600_000, int(clock["wall_start_ms"]), 60.0)
            assert told["start_ms"] == own.start_ms
            assert abs(told["now_ms"] - own.now_ms()) < 600_000  # ten seconds of the wall
            markets = f"{address}/coingecko/api/v3/coins/markets?vs_currency=usd"
            with urllib.request.urlopen(markets, timeout=60) as answer:
                assert json.load(answer)[0]["id"] == "bitcoin"
            with urllib.request.urlopen(f"{address}/_requests", timeout=60) as answer:
                assert json.load(answer)["upstreams"]["coingecko"]["limit_minute"] == 2
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.long
def test_a_clock_that_begins_now_is_not_late_by_the_time_the_past_takes():
    with run("--start", "now") as process:
        try:
            process.stdout.readline()
            clock = dict(part.split("=") for part in process.stdout.readline().split())
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
    assert clock["start_ms"] == clock["wall_start_ms"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--start", "soon"), "--start soon is not an ISO time"),
        (("--data", "nowhere"), "nowhere is not a directory"),
        (("--limit", "lunarcrush"), "--limit lunarcrush is not of the form"),
    ],
    ids=["start", "data", "limit"],
)
def test_wrong_options_are_told_in_a_sentence(options, said):
    with run(*options) as process:
        _, text = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said in text
    assert "Traceback" not in text
