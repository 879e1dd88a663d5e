"""A process dies, or loses its partitions, between every two steps of a batch.

The steps are: changelog, outputs, offsets. Wherever it happens, the next process comes to the same
state, every output is there, and what is there twice is the same record twice.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from streams.agents import loop
from tests.unit.streams.agents.memory_broker import CODEC, DiedError, MemoryBroker, MemoryWorker
from tests.unit.streams.agents.scenes import SCENES, Scene

Outputs = dict[tuple[str, bytes], list[tuple[object, ...]]]

each_scene = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
pytestmark = pytest.mark.parametrize(
    "commits", [pytest.param("each", id="commits at once"), pytest.param("idle", id="when idle")]
)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches out of few records, so that a key is in two of them that follow each other."""
    monkeypatch.setattr(loop, "MAX_EVENTS", 5)


def _broker(scene: Scene) -> MemoryBroker:
    broker = MemoryBroker()
    broker.publish(*scene.events)
    return broker


def _worker(scene: Scene, broker: MemoryBroker, folder: Path, commits: str) -> MemoryWorker:
    return MemoryWorker(
        broker, scene.stage, folder, tables=scene.tables, commits=commits, batch_limit=2
    )


def _outputs(broker: MemoryBroker, scene: Scene) -> Outputs:
    """Return what went out by topic and key, without offsets; what comes again is left out."""
    by_key: Outputs = defaultdict(list)
    for record in broker.sent(scene.stage.inputs):
        known, bare = by_key[record.topic, record.key], (*record[:2], *record[3:])
        if bare not in known:
            known.append(bare)
    return by_key


async def _calm(scene: Scene, folder: Path, commits: str) -> MemoryWorker:
    """Return a worker that nothing happened to, after its last record."""
    worker = _worker(scene, _broker(scene), folder, commits)
    await worker.run()
    assert worker.fetch() == [], "not everything is committed"
    return worker


async def _died(scene: Scene, folder: Path, commits: str, fatal: int) -> MemoryBroker:
    """Return what a process leaves that dies at a step."""
    broker = _broker(scene)
    worker = _worker(scene, broker, folder, commits)

    def die(number: int, effect: str) -> None:
        if number == fatal:
            raise DiedError

    worker.app.on_point = die
    with pytest.raises(DiedError):
        await worker.run()
    return broker


@each_scene
async def test_undisturbed_nothing_comes_twice(scene: Scene, commits: str, tmp_path: Path) -> None:
    calm = await _calm(scene, tmp_path, commits)
    sent = calm.broker.sent(scene.stage.inputs)
    assert len(sent) >= 8
    assert sum(map(len, _outputs(calm.broker, scene).values())) == len(sent)


@each_scene
async def test_a_process_dies_between_any_two_steps(
    scene: Scene, commits: str, tmp_path: Path
) -> None:
    calm = await _calm(scene, tmp_path, commits)
    sent, doubled = len(calm.broker.sent(scene.stage.inputs)), 0
    for fatal in range(1, calm.app.points + 1):
        broker = await _died(scene, tmp_path, commits, fatal)
        second = _worker(scene, broker, tmp_path, commits)
        await second.run()
        assert second.final_state() == calm.final_state(), f"died at step {fatal}"
        assert _outputs(broker, scene) == _outputs(calm.broker, scene), f"died at step {fatal}"
        doubled += len(broker.sent(scene.stage.inputs)) > sent
    assert doubled, "no process died between an output and its offset: this shows nothing"


@each_scene
async def test_partitions_are_revoked_between_any_two_steps(
    scene: Scene, commits: str, tmp_path: Path
) -> None:
    calm = await _calm(scene, tmp_path, commits)
    given_up = 0
    for fatal in range(1, calm.app.points + 1):
        worker = _worker(scene, _broker(scene), tmp_path, commits)

        def revoke(
            number: int, effect: str, fatal: int = fatal, worker: MemoryWorker = worker
        ) -> None:
            if number == fatal and not effect.startswith("commit"):  # commits wait for nobody
                worker.rebalance()

        worker.app.on_point = revoke
        await worker.run()
        outputs = _outputs(worker.broker, scene)
        assert worker.fetch() == [], f"revoked at step {fatal}: not everything is committed"
        assert worker.final_state() == calm.final_state(), f"revoked at step {fatal}"
        assert outputs == _outputs(calm.broker, scene), f"revoked at step {fatal}"
        given_up += worker.app.points > calm.app.points
    assert given_up, "no batch was given up: this shows nothing"


async def test_records_come_in_another_order_after_the_crash(commits: str, tmp_path: Path) -> None:
    """What was decided before it stays; what is decided after it counts each record once."""
    scene = SCENES["scoring"]  # adds up: its state does not depend on the order
    calm = await _calm(scene, tmp_path, commits)
    expected, reordered = _outputs(calm.broker, scene), 0
    for fatal in range(1, calm.app.points + 1):
        broker = await _died(scene, tmp_path, commits, fatal)
        second = _worker(scene, broker, tmp_path, commits)
        await second.run(shuffle=Random(fatal))
        assert second.final_state() == calm.final_state(), f"died at step {fatal}"
        outputs = _outputs(broker, scene)
        for key, scores in expected.items():
            ids = {CODEC.decode(value).sequence for *_, value, _ in outputs[key]}
            assert len(ids) == len(outputs[key]), f"died at step {fatal}: two scores with one id"
            assert len(ids) == len(scores), f"died at step {fatal}: not a score for each record"
        reordered += outputs != expected
    assert reordered, "the order was never another one: this shows nothing"
