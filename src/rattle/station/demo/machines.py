"""Name the demo's machines: SYNTHETIC, from physical models; no real machine was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from rattle.synthetic import Specimen

SEED = 14


@dataclass(frozen=True)
class DemoMachine:
    """A machine of the demo's plant, and which of the synthetic machines it is."""

    name: str
    type: str
    index: int

    @property
    def trained_as(self) -> str:
        """What it is called among the recordings that its detector learnt from."""
        return f"{self.type}/id_{self.index:02}"

    @property
    def specimen(self) -> Specimen:
        """The machine itself."""
        return Specimen.of(self.type, self.index, seed=SEED)


MACHINES = (
    DemoMachine("Feed pump 1", "synth_pump", 0),
    DemoMachine("Feed pump 2", "synth_pump", 1),
    DemoMachine("Exhaust fan", "synth_fan", 0),
    DemoMachine("Dosing valve", "synth_valve", 0),
)
