"""The demo makes the sound of its own machines; another that was enrolled is opened as named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Machine
from rattle.station.demo.machines import MACHINES
from rattle.station.demo.run import DemoSources, demo_plant
from rattle.station.demo.source import MadeSource
from rattle.station.hear.push import PushInbox


def test_a_machine_of_the_demo_is_made(tmp_path: Path) -> None:
    machine = demo_plant(tmp_path, 0).machine[0]
    release: Any = None
    opened = DemoSources(tmp_path)(machine.sources[0], machine, release)
    assert isinstance(opened, MadeSource)
    assert machine.name == MACHINES[0].name


def test_a_machine_that_was_enrolled_is_heard_where_it_says(
    tmp_path: Path, exported_file: Path
) -> None:
    machine = Machine.model_validate(
        {
            "name": "saw",
            "bundle": exported_file,
            "sources": [{"name": "saw mic", "push": {"token": "a-token-of-the-saw"}}],
        }
    )
    release: Any = SimpleNamespace(scorer=Scorer.load(exported_file))
    opened = DemoSources(tmp_path)(machine.sources[0], machine, release)
    assert isinstance(opened, PushInbox)
    assert opened.name == "saw mic"
