"""Where files lie: whole or not at all, in a folder, in an object store, on a renaming system."""

from __future__ import annotations

import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.archive import local_store
from streams.archive.local_store import LocalStore
from streams.archive.records import ArchiveError
from streams.archive.remote_store import RemoteStore
from streams.archive.store import ArchiveStore, local_path, open_store
from tests.unit.streams.archive.samples import DyingDisk, Killed

HANGS_S = 30


@pytest.fixture(params=["local", "object store", "renaming"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArchiveStore:
    addresses = {
        "local": str(tmp_path / "archive"),
        "object store": f"memory://{uuid.uuid4().hex}/archive",
        "renaming": f"dir::file://{tmp_path}/archive",
    }
    return open_store(addresses[request.param])


def put(store: ArchiveStore, path: str, data: bytes) -> None:
    with store.locked():
        store.write(path, data)


def test_what_is_written_is_read(store: ArchiveStore) -> None:
    put(store, "a/b/one.avro", b"12345")
    put(store, "a/b/one.avro", b"123")
    put(store, "a/two", b"")
    assert store.read("a/b/one.avro") == b"123"
    assert store.read("a/b/three") is None
    with store.open("a/b/one.avro") as file:
        assert file.read() == b"123"
    assert sorted(store.files("")) == [("a/b/one.avro", 3), ("a/two", 0)]
    assert list(store.files("a/b")) == [("a/b/one.avro", 3)]
    assert list(store.files("nowhere")) == []


def test_a_topic_whose_name_begins_like_another_one(store: ArchiveStore) -> None:
    put(store, "signals/one", b"1")
    put(store, "signals.top/two", b"2")
    assert list(store.files("signals")) == [("signals/one", 1)]


def test_an_empty_address_has_no_files(store: ArchiveStore) -> None:
    assert list(store.files("")) == []
    assert store.read("archive.json") is None
    with store.locked():
        assert store.sweep() == 0


@pytest.mark.parametrize(
    ("dies_at", "half_way"),
    [
        pytest.param(1, False, id="before it writes"),
        pytest.param(1, True, id="half of it is written"),
        pytest.param(2, False, id="before it renames"),
        pytest.param(3, False, id="before it syncs the folder"),
    ],
)
def test_nobody_sees_half_a_file(tmp_path: Path, dies_at: int, half_way: bool) -> None:
    put(LocalStore(tmp_path), "a/file", b"old")
    with pytest.raises(Killed):
        put(LocalStore(tmp_path, DyingDisk(dies_at, half_way=half_way)), "a/file", b"new text")
    store = LocalStore(tmp_path)
    assert store.read("a/file") == (b"new text" if dies_at == 3 else b"old")
    assert [path for path, _ in store.files("")] == ["a/file"]
    with store.locked():
        assert store.sweep() == (dies_at == 2 or half_way)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_file_of_a_renaming_system_gets_its_name_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RemoteStore(f"dir::file://{tmp_path}/archive")

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(store._fs, "mv", dies)
    with pytest.raises(Killed):
        put(store, "a/file", b"text")
    assert list(store.files("")) == []
    assert store.sweep() == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _hold(root: str, said: Any) -> None:
    with LocalStore(Path(root)).locked():
        said.set()
        signal.pause()


def test_the_lock_keeps_others_out_and_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_store, "_LOCK_WAIT_S", 0.2)
    context = multiprocessing.get_context("spawn")
    said = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path), said))
    holder.start()
    assert said.wait(HANGS_S)
    store = LocalStore(tmp_path)
    with pytest.raises(TimeoutError, match="another process has written"), store.locked():
        pytest.fail("two have it")
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(HANGS_S)
    with store.locked():
        store.write("file", b"text")
    assert store.read("file") == b"text"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("archive", lambda: Path("archive"), id="relative"),
        pytest.param("/data/archive", lambda: Path("/data/archive"), id="absolute"),
        pytest.param("file:///data/archive", lambda: Path("/data/archive"), id="file URL"),
        pytest.param("~/archive", lambda: Path.home() / "archive", id="home"),
        pytest.param("memory://a", lambda: None, id="elsewhere"),
        pytest.param("dir::file:///a", lambda: None, id="chain"),
    ],
)
def test_which_addresses_are_local(address: str, expected: Callable[[], Path | None]) -> None:
    assert local_path(address) == expected()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("", "needs an address", id="empty"),
        pytest.param("nosuch://a", "cannot be used", id="unknown protocol"),
    ],
)
def test_addresses_of_no_use(address: str, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        open_store(address)
