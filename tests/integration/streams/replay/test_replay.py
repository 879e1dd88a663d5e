"""The replay driver: shards, time ranges, what-ifs, rehearsals; all through the commands."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from embedded.stack import Stack
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from schemas.topics import SCORES, SIGNALS
from streams.archive.reader import Archive
from tests.parity.offline import contents, write_market

START_MS = 1_767_225_600_000


def quantiva(
    *arguments: str, hash_seed: str = "0", check: int = 0, env: Mapping[str, str] | None = None
) -> str:
    """Run the command as its user would; return what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "quantiva.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "COLUMNS": "100", **(env or {})},
    )
    assert ran.returncode == check, ran.stdout
    return ran.stdout


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an archive of market topics and strategies alone."""
    state, events = backfill(5, START_MS, ASSETS[:6])
    for _ in range(4):
        state, more = cycle(state, state.now_ms)
        events += more
    folder = tmp_path_factory.mktemp("raw") / "archive"
    write_market(folder, events)
    return str(folder)


def test_shards_and_hash_seeds_do_not_matter(raw: str, tmp_path: Path) -> None:
    """Scores, signals and rankings with their offsets are the same bytes."""
    one, four = tmp_path / "one", tmp_path / "four"
    said = quantiva("replay", raw, "--jobs", "1", "--out", str(one), hash_seed="1")
    quantiva("replay", raw, "--jobs", "4", "--out", str(four), hash_seed="2")
    assert contents(str(one)) == contents(str(four))
    produced = Counter(topic for topic, _, _ in contents(str(one)))
    assert produced["signals.top"] == 4 * 4
    assert produced["signals"] >= 6 * 4 * 4
    assert produced["signals.decisions"] == produced["signals"]  # every cycle is complete
    for topic, records in produced.items():
        assert f"{topic}: {records:,}" in said


def test_the_range_is_what_counts_and_state_comes_from_the_beginning(
    raw: str, tmp_path: Path
) -> None:
    whole, late = tmp_path / "whole", tmp_path / "late"
    quantiva("replay", raw, "--out", str(whole))
    options = ("--from", "2026-01-01T00:10", "--until", "2026-01-01T00:30")
    quantiva("replay", raw, *options, "--out", str(late))
    span = range(START_MS + 600_000, START_MS + 1_800_000)

    def values(address: str, topic: str) -> list[bytes | None]:
        return [one.value for name, _, one in contents(address) if name == topic and one[1] in span]

    for topic in (SCORES.name, SIGNALS.name):
        assert values(str(late), topic) == values(str(whole), topic) != []
    assert {one[1] in span for name, _, one in contents(str(late)) if name == SIGNALS.name} == {
        True
    }


def test_only_some_assets(raw: str, tmp_path: Path) -> None:
    quantiva("replay", raw, "--assets", "btc,ETH", "--out", str(tmp_path / "two"))
    keys = {one.key for name, _, one in contents(str(tmp_path / "two")) if name == SIGNALS.name}
    assert keys == {b"BTC", b"ETH"}


@pytest.mark.embedded
@pytest.mark.slow
def test_a_recorded_run_is_replayed_as_it_was(recording: str, tmp_path: Path) -> None:
    """The scores stand at the offsets that they had; the signals are the recorded ones."""
    out = tmp_path / "out"
    quantiva("replay", recording, "--out", str(out))
    for topic in (SCORES.name, SIGNALS.name):
        ours = {one.value[5:] for name, _, one in contents(str(out)) if name == topic and one.value}
        theirs = {
            one.value[5:]
            for name, _, one in contents(recording)
            if name == topic and one.value and len(one.value) > 5
        }
        assert ours == theirs


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--without", "news"], "without sentiment", id="without"),
        pytest.param(["--weights", "technical=0.9"], "weight of technical 0.9", id="weights"),
        pytest.param(["--thresholds", "buy=0.05"], "BUY above 0.05", id="thresholds"),
    ],
)
def test_what_if(raw: str, tmp_path: Path, options: list[str], said: str) -> None:
    out = tmp_path / "out"
    printed = quantiva("replay", raw, *options, "--out", str(out))
    assert said in printed
    found = re.search(r"([\d,]+) signals: ([\d,]+) act otherwise", printed)
    assert found is not None
    assert int(found[2].replace(",", "")) > 0
    rows = (out / "changes.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("kind,as_of,asset,strategy_id")
    assert any(row.startswith("action,") for row in rows)
    base = Archive(str(out / "as-it-was"))
    assert sum(1 for p in range(4) for _ in base.records(SIGNALS.name, p)) >= 6 * 4 * 4


MINE = """
strategy_id: mine
name: Mine
assets: [BTC, NONE]
buy_threshold: 0.05
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE, "utf-8")
    return str(path)


def test_a_strategy_of_ones_own(raw: str, mine: str, tmp_path: Path) -> None:
    """Alone, with its result; what the source does not have is said."""
    out = tmp_path / "out"
    printed = quantiva("replay", raw, "--strategy", mine, "--out", str(out))
    signals = [one for name, _, one in contents(str(out)) if name == SIGNALS.name]
    assert {one.key for one in signals} == {b"BTC"}
    assert "mine: there were no signals of NONE in this replay" in printed
    assert re.search(r"^mine +[\d.]+ /day", printed, re.MULTILINE)
    assert "there is nothing on market.calendar" not in printed


def test_a_what_if_of_ones_own_strategy(raw: str, mine: str) -> None:
    """Compared with the same file unchanged; stored ones are left out."""
    printed = quantiva("replay", raw, "--strategy", mine, "--thresholds", "buy=0.9")
    assert "mine as in its file, BUY above 0.9" in printed
    assert changed(printed, "mine")[1] > 0
    assert "defensive" not in printed
    assert re.search(r"^mine +as it was .*\nmine +what if ", printed, re.MULTILINE)


def test_one_stored_strategy(raw: str) -> None:
    printed = quantiva("replay", raw, "--strategy", "defensive", "--jobs", "1")
    assert re.search(r"^defensive +[\d.]+ /day", printed, re.MULTILINE)
    assert "trend-following" not in printed


@pytest.mark.shared_data
def test_one_stored_strategy_over_a_directory_of_candles(tmp_path: Path, shared_data: Path) -> None:
    """Candles alone are enough; the engines that have nothing are said."""
    (tmp_path / "ohlcv").symlink_to(shared_data / "ohlcv")
    span = ("--from", "2022-03-01", "--until", "2022-03-02")
    printed = quantiva("replay", str(tmp_path), *span, "--strategy", "trend-following")
    assert "there is nothing on market.news: sentiment has no say" in printed
    assert re.search(r"^trend-following +[\d.]+ /day", printed, re.MULTILINE)


@pytest.mark.embedded
@pytest.mark.slow
def test_a_strategy_of_ones_own_over_a_recorded_run(recording: str, mine: str) -> None:
    printed = quantiva("replay", recording, "--strategy", mine)
    assert re.search(r"^mine +[\d.]+ /day", printed, re.MULTILINE)
    assert "records could not be used" not in printed


@pytest.mark.embedded
@pytest.mark.slow
def test_what_if_over_a_recorded_run(recording: str) -> None:
    printed = quantiva("replay", recording, "--without", "liquidity")
    assert "without liquidity" in printed
    same = quantiva("replay", recording, "--thresholds", "buy=0.5", "--jobs", "1")
    assert changed(same, "defensive") == [0, 0, 0, 0]  # 0.5 is its threshold already
    assert changed(printed, "defensive") != [0, 0, 0, 0]


def changed(printed: str, strategy: str) -> list[int]:
    """Return what a what-if says of a strategy: how many signals differ, in four ways."""
    row = next(line for line in printed.splitlines() if line.startswith(strategy))
    return [int(cell.replace(",", "")) for cell in row.split()[2:]]


def test_a_change_that_changes_nothing(raw: str) -> None:
    """The thresholds of one strategy: its signals are all the same."""
    printed = quantiva("replay", raw, "--thresholds", "sell=-0.1")
    assert changed(printed, "defensive") == [0, 0, 0, 0]


@pytest.mark.embedded
def test_a_rehearsal_and_a_replay_of_kafka(raw: str, tmp_path: Path) -> None:
    """Published under a prefix, read back from there, and replayed: what the archive gives."""
    direct = quantiva("replay", raw, "--jobs", "1")
    market = re.search(r"replayed ([\d,]+) market records", direct)
    assert market is not None
    environment = asyncio.run(_rehearsed(raw, tmp_path))
    said, replayed = environment["published"], environment["replayed"]
    assert f"published {market[1]} records into rehearsal.market.*" in said
    assert "QUANTIVA_PREFIX=rehearsal. quantiva worker" in said
    assert f"replayed {market[1]} market records" in replayed
    assert re.findall(r"  (?:signals|engine.scores): [\d,]+", replayed) == re.findall(
        r"  (?:signals|engine.scores): [\d,]+", direct
    )


async def _rehearsed(raw: str, folder: Path) -> dict[str, str]:
    async with Stack(fast=True) as stack:
        env = {**stack.env(), "QUANTIVA_STATE_DIR": str(folder), "QUANTIVA_BROKER": "tansu"}
        prefixed = {**env, "QUANTIVA_PREFIX": "rehearsal."}
        options = ("--publish", "--speed", "max")
        published = await asyncio.to_thread(quantiva, "replay", raw, *options, env=env)
        replayed = await asyncio.to_thread(quantiva, "replay", "kafka", "--jobs", "1", env=prefixed)
    return {"published": published, "replayed": replayed}


def test_a_rehearsal_takes_no_what_if(raw: str) -> None:
    said = quantiva("replay", raw, "--publish", "--set", "band=0.1", check=2)
    assert "takes no what-if" in said


def test_a_rehearsal_never_goes_into_the_live_topics(raw: str) -> None:
    said = quantiva("replay", raw, "--publish", "--prefix", "", check=2)
    assert "--publish needs a --prefix" in said


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        pytest.param(["nowhere"], "neither an archive nor a directory", 1, id="no source"),
        pytest.param([".", "--order", "odd"], "none of recorded, observed, auto", 2, id="order"),
        pytest.param([".", "--without", "moon"], "no such engine or topic", 2, id="without"),
        pytest.param([".", "--weights", "sentiment=x"], "is no number", 2, id="weights"),
        pytest.param([".", "--weights", "sentiment=2"], "lie in -1 to 1", 2, id="too heavy"),
        pytest.param([".", "--thresholds", "hold=0"], "none of buy, sell", 2, id="thresholds"),
        pytest.param([".", "--set", "band"], "write FIELD=VALUE", 2, id="a field"),
        pytest.param([".", "--strategy", "no.yaml"], "no.yaml: No such file", 2, id="no file"),
        pytest.param(["."], "say --from and --until", 1, id="no span"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, status: int) -> None:
    assert said in " ".join(quantiva("replay", *arguments, check=status).split())


def test_raw_data_cannot_be_verified(raw: str) -> None:
    printed = " ".join(quantiva("verify", raw, check=1).split())
    assert "holds no scores: there is no live run to compare with" in printed


@pytest.mark.shared_data
def test_a_directory_of_real_data(shared_data: Path, tmp_path: Path) -> None:
    """Twice over, in one process and in two: the same bytes."""
    span = ("--from", "2022-03-01", "--until", "2022-03-02")
    for name, jobs in (("one", "1"), ("two", "2")):
        quantiva("replay", str(shared_data), *span, "--jobs", jobs, "--out", str(tmp_path / name))
    one, two = (contents(str(tmp_path / name)) for name in ("one", "two"))
    assert one == two
    assert sum(topic == SIGNALS.name for topic, _, _ in one) >= 144 * 5 * 4
