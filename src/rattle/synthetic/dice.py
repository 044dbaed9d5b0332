"""Draw the physical parameters of machines so that no two machines of a type are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rattle.randomness import named_stream

GOLDEN = 0.6180339887498949

T = TypeVar("T")


@dataclass(frozen=True)
class Dice:
    """The draws of the physical parameters of machine number ``index`` of a type.

    Plain draws would now and then make two machines of a type alike. Each parameter's values
    over the ids are a golden-ratio sequence from a random start instead: every new machine falls
    into the widest gap that those before it left.
    """

    index: int
    of_type: np.random.Generator
    of_machine: np.random.Generator

    @classmethod
    def for_machine(cls, seed: int, type_: str, index: int) -> Dice:
        return cls(index, named_stream(seed, type_), named_stream(seed, f"{type_}/{index}"))

    def between(self, low: float, high: float) -> float:
        """Draw a value in [low, high), spread over the ids evenly in its logarithm."""
        position = (self.of_type.random() + self.index * GOLDEN) % 1
        return float(low * (high / low) ** position)

    def decibels(self, low: float, high: float) -> float:
        """Draw a level in [low, high), spread over the ids evenly."""
        position = (self.of_type.random() + self.index * GOLDEN) % 1
        return float(low + (high - low) * position)

    def one_of(self, *options: T) -> T:
        """Take the options in turn over the ids, from a random start."""
        return options[(int(self.of_type.integers(len(options))) + self.index) % len(options)]

    def phase(self) -> complex:
        """Draw a random phase of this machine's own, as a complex number of modulus 1."""
        return complex(np.exp(2j * np.pi * self.of_machine.random()))
