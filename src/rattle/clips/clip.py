"""One recording, or an excerpt of a long one, as a manifest lists it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rattle.clips.excerpt import Excerpt
from rattle.clips.machine import Machine

# The attribute of a fault that names its kind, where it lay in a folder of that name.
KIND = "kind="


@dataclass(frozen=True)
class Clip:
    """One clip and what is known of it; fields as the columns of a manifest.

    ``start_frame`` is None for a whole recording, else the first of the ``frames`` of its file that
    an excerpt holds.
    """

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
    start_frame: int | None = None

    @property
    def machine(self) -> Machine:
        return Machine(self.machine_type, self.machine_id)

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate_hz

    @property
    def excerpt(self) -> Excerpt | None:
        """Where in its file it lies; None for a whole recording."""
        return None if self.start_frame is None else Excerpt(self.start_frame, self.frames)

    @property
    def name(self) -> str:
        """What it is called: its path and, of an excerpt, from which second on it is."""
        if self.start_frame is None:
            return self.path
        return f"{self.path} from {self.start_frame / self.sample_rate_hz:.1f} s"


# What is known of a whole recording: the columns of a manifest's file.
RECORDING_FIELDS = tuple(field.name for field in fields(Clip) if field.name != "start_frame")
