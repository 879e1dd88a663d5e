"""What is left when the owner of the parts ends, in order or not."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from embedded.kafka import find_kafka

pytestmark = pytest.mark.embedded

NO_KAFKA = find_kafka() is None and os.environ.get("QUANTIVA_REQUIRE_KAFKA") != "1"
StartOwner = Callable[[str], Any]


def test_nothing_is_left_when_the_owner_is_killed(start_owner: StartOwner) -> None:
    owner = start_owner("stack")
    assert len(owner.family) > 5  # two guards, the broker, PostgreSQL and its processes
    owner.signal(signal.SIGKILL)
    assert owner.wait() == -signal.SIGKILL
    assert owner.left_over() == []
    assert list(owner.temporary.iterdir()) == []


def test_nothing_is_left_when_the_owner_is_terminated(start_owner: StartOwner) -> None:
    owner = start_owner("stack")
    owner.signal(signal.SIGTERM)
    owner.wait()
    assert owner.left_over() == []
    assert list(owner.temporary.iterdir()) == []


def test_ctrl_c_stops_all_parts_before_the_owner_ends(start_owner: StartOwner) -> None:
    owner = start_owner("stack")
    owner.interrupt()
    assert owner.wait() == 130
    assert owner.left_over(within_s=0) == []
    assert list(owner.temporary.iterdir()) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_parts(start_owner: StartOwner) -> None:
    owner = start_owner("stack")
    owner.signal(signal.SIGSTOP)  # the owner cannot react, the parts could
    owner.interrupt()
    time.sleep(0.3)
    assert all(psutil.pid_exists(pid) for pid in owner.ready.values())
    owner.signal(signal.SIGCONT)
    assert owner.wait() == 130


@pytest.mark.kafka
@pytest.mark.skipif(NO_KAFKA, reason="no Apache Kafka beside the project, or no Java")
def test_apache_kafka_ends_when_its_owner_is_killed(start_owner: StartOwner) -> None:
    owner = start_owner("kafka")
    owner.signal(signal.SIGKILL)
    owner.wait()
    assert owner.left_over() == []
