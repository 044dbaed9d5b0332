"""One recording, as a manifest lists it."""

from __future__ import annotations

from dataclasses import dataclass

from rattle.clips.machine import Machine

# The attribute of a fault that names its kind, where it lay in a folder of that name.
KIND = "kind="


@dataclass(frozen=True)
class Clip:
    """One recording and what is known of it; fields as the columns of a manifest."""

    path: str
    source_set: str
    machine_type: str
    machine_id: str
    split: str
    label: str
    domain: str
    attributes: str
    channels: int
    sample_rate_hz: int
    frames: int
    content_hash: str

    @property
    def machine(self) -> Machine:
        return Machine(self.machine_type, self.machine_id)

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate_hz
