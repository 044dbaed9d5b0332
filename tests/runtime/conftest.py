"""Bundles with graphs of both kinds of encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rattle import Detector, Machine


@pytest.fixture(scope="session")
def exported_fleet_file(
    fleet: dict[Machine, Detector], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle of synth_fan/id_00 in ``fleet``, with its graph. Read only."""
    import rattle

    path = tmp_path_factory.mktemp("bundles") / "synth_fan_id_00.rattle"
    rattle.export(fleet[rattle.Machine("synth_fan", "id_00")]).save(path)
    return path
