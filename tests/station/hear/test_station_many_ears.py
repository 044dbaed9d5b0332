"""Twenty sources of two machines with one encoder: one session, and each as if it were alone."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hearing_kit import BEGAN, RATE_HZ, Kit, noise
from numpy.typing import NDArray

from rattle.listening.source import Block
from rattle.runtime import Scorer
from rattle.station.hear.in_use import InUse
from rattle.station.records import Embeddings

if TYPE_CHECKING:
    from rattle import Detector, Machine

EARS = 20


@pytest.fixture(scope="module")
def bundles(fleet: dict[Machine, Detector], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Bundles of two machines, with one encoder."""
    import rattle

    folder = tmp_path_factory.mktemp("bundles")
    paths = []
    for number, detector in enumerate(fleet.values()):
        paths.append(folder / f"{number}.rattle")
        rattle.export(detector).save(paths[-1])
    return paths


def sound(number: int) -> NDArray[np.float32]:
    return noise(20, seed=number)


def hear(kit: Kit, scorer: Scorer, number: int) -> None:
    judge = kit.judge("mic", kit.account)
    kit.ear.swap(InUse("release", scorer), judge, BEGAN)
    for place in range(0, 20 * RATE_HZ, 4000):
        end = BEGAN + timedelta(seconds=(place + 4000) / RATE_HZ)
        kit.ear.push(Block(sound(number)[place : place + 4000], RATE_HZ), end)
    kit.ear.stop()


def test_they_share_a_session_and_none_hears_another(bundles: list[Path]) -> None:
    scorers = [Scorer.load(bundles[number % len(bundles)]) for number in range(EARS)]
    assert len({id(scorer.graph) for scorer in scorers}) == 1
    together = [Kit() for _ in range(EARS)]
    threads = [
        threading.Thread(target=hear, args=(kit, scorer, number))
        for number, (kit, scorer) in enumerate(zip(together, scorers, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in (0, 7, 19):
        alone = Kit()
        hear(alone, scorers[number], number)
        [expected], [found] = alone.of(Embeddings), together[number].of(Embeddings)
        assert found.encoder == expected.encoder == scorers[number].graph.identity
        assert len(found.z) > 10
        np.testing.assert_allclose(found.z, expected.z, atol=2e-3)
        np.testing.assert_array_equal(found.ends, expected.ends)
