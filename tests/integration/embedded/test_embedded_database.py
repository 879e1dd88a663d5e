"""The embedded database, PostgreSQL."""

import importlib.metadata
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from embedded import postgres_files
from embedded.database import Database
from embedded.postgres_files import Account, find_programs, obstacle, unprivileged_account
from transport.supervision.processes import StartError

pytestmark = pytest.mark.embedded

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently")


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_it_starts_answers_and_stops(readiness: Callable[[str, float], None]) -> None:
    database = Database()
    since = time.perf_counter()
    dsn = await database.start()
    readiness("database ready, with initdb and fsync", since)
    assert await query(dsn, "SHOW server_version_num") >= "180000"
    assert await query(dsn, "SHOW fsync") == "on"
    assert await query(dsn, "SHOW listen_addresses") == ""
    assert not psutil.Process(database.pid).net_connections(kind="inet")
    assert await query(dsn, "SHOW timezone") == "UTC"
    assert await query(dsn, "SHOW server_encoding") == "UTF8"
    folder, family = database.log.parent, psutil.Process(database.pid).children(recursive=True)
    sockets = Path(str(await query(dsn, "SHOW unix_socket_directories")))
    assert len(str(sockets)) < 80
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    await database.stop()
    assert not [process for process in family if process.is_running()]
    assert not folder.exists()
    assert not sockets.exists()


async def test_it_continues_with_its_data_after_a_kill(
    folder: Path, readiness: Callable[[str, float], None]
) -> None:
    database = Database(directory=folder, fast=True)
    since = time.perf_counter()
    dsn = await database.start()
    readiness("database ready, fast", since)
    assert await query(dsn, "SHOW fsync") == "off"
    await query(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    family = psutil.Process(database.pid).children(recursive=True)
    await database.kill()
    assert not database.is_running()
    assert not [process for process in family if process.is_running()]
    since = time.perf_counter()
    assert await database.start() == dsn
    readiness("database ready after a kill", since)
    assert await query(dsn, "SELECT answer FROM kept") == 42
    await database.stop()

    again = Database(directory=folder, fast=True)
    assert await query(await again.start(), "SELECT answer FROM kept") == 42
    await again.stop()


async def test_a_clean_stop_is_a_fast_shutdown_even_with_clients(folder: Path) -> None:
    database = Database(directory=folder, fast=True)
    client = await asyncpg.connect(await database.start())
    await database.stop()
    assert "database system is shut down" in (folder / "database.log").read_text()
    client.terminate()


async def test_data_of_an_interrupted_initdb_is_recreated(folder: Path) -> None:
    (folder / "data.new").mkdir()
    (folder / "data.new" / "PG_VERSION").write_text("18")
    database = Database(directory=folder, fast=True)
    assert await query(await database.start(), "SELECT 1") == 1
    await database.stop()


async def test_a_broken_data_folder_is_reported_with_the_log(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text("9")
    (folder / "password").write_text("kept\n")
    with pytest.raises(StartError, match=r"ended with status \d+ before it was ready"):
        await Database(directory=folder, fast=True).start()


@needs_root
async def test_root_runs_it_as_an_unprivileged_user() -> None:
    database = Database(fast=True)
    await database.start()
    account = unprivileged_account()
    assert account is not None
    assert psutil.Process(database.pid).uids().effective == account.uid != 0
    assert database.data.stat().st_uid == account.uid
    await database.stop()


@needs_root
async def test_roots_data_is_elsewhere_when_no_other_user_can_enter_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded.database.FAR", folder / "far")
    inside = folder / "closed" / "inside"
    (folder / "closed").mkdir(mode=0o700)
    for expected in (1, 2):
        database = Database(directory=inside, fast=True)
        dsn = await database.start()
        await query(dsn, "CREATE TABLE IF NOT EXISTS kept (n integer)")
        await query(dsn, "INSERT INTO kept VALUES (1)")
        assert await query(dsn, "SELECT count(*) FROM kept") == expected
        assert database.data.is_relative_to(folder / "far")
        assert stat.S_IMODE(database.data.parent.stat().st_mode) == 0o700
        await database.stop()
    shutil.rmtree(inside)
    again = Database(directory=inside, fast=True)
    assert await query(await again.start(), "SELECT to_regclass('kept')") is None
    await again.stop()


async def test_case_reliability_11_nobody_without_the_password_is_let_in(folder: Path) -> None:
    database = Database(directory=folder, fast=True)
    dsn = await database.start()
    password = urlsplit(dsn).password
    assert password
    for wrong in (dsn.replace(f":{password}@", "@"), dsn.replace(password, "guessed")):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
            await query(wrong, "SELECT 1")
    rules = str(await query(dsn, "SELECT string_agg(auth_method, ' ') FROM pg_hba_file_rules"))
    assert set(rules.split()) == {"scram-sha-256"}
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    await database.stop()
    said = (folder / "database.log").read_text() + str(psutil.Process().environ())
    assert password not in said


async def test_data_without_its_password_is_said(folder: Path) -> None:
    database = Database(directory=folder, fast=True)
    await database.start()
    await database.stop()
    (folder / "password").unlink()
    with pytest.raises(StartError, match="password of the data beside it, is gone"):
        await database.start()


async def test_a_temporary_folder_with_a_long_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = folder / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    database = Database(fast=True)
    assert await query(await database.start(), "SELECT 1") == 1
    await database.stop()
    monkeypatch.setattr("embedded.database.LONGEST_SOCKET_PATH", 20)
    with pytest.raises(StartError, match=r"longer than the 20 bytes.*Set TMPDIR"):
        await database.start()


@needs_root
async def test_programs_in_a_closed_environment_are_copied_once_and_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    account = unprivileged_account()
    assert account is not None
    # As in an environment below /root: no other user can use the original programs.
    usable = postgres_files.obstacle
    monkeypatch.setattr(
        postgres_files,
        "obstacle",
        lambda path, who: usable(path, who) if path.is_relative_to(folder) else path,
    )
    programs = find_programs(account)
    assert programs.is_relative_to(folder)
    made = programs.stat().st_ino
    assert find_programs(account).stat().st_ino == made
    assert [entry.name for entry in folder.iterdir() if entry.name.startswith(".")] == []

    database = Database(fast=True)
    assert await query(await database.start(), "SELECT 1") == 1
    assert Path(psutil.Process(database.pid).exe()).is_relative_to(folder)
    await database.stop()


@needs_root
def test_a_copy_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(postgres_files, "obstacle", lambda path, _: path)
    version = importlib.metadata.version(postgres_files.PACKAGE)
    planted = folder / f"quantiva-postgres-{version}-0"
    planted.mkdir()
    os.chown(planted, 12345, 12345)
    with pytest.raises(StartError, match="another user may have put it there"):
        find_programs(unprivileged_account())


def test_the_obstacle_is_the_first_step_that_is_closed(folder: Path) -> None:
    inner = folder / "closed" / "inner"
    inner.mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    stranger, own = Account("stranger", 54321, 54321), Account("own", os.geteuid(), os.getegid())
    assert obstacle(inner, stranger) == folder / "closed"
    assert obstacle(inner, own) is None
