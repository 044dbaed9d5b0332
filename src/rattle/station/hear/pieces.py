"""Cut long blocks of sound into pieces that the ring holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rattle.listening.source import Block

# A recording on disk comes in blocks of a minute; the ring is to hold what is cut out of one.
LONGEST_BLOCK_S = 10.0


@dataclass(frozen=True)
class Piece:
    """A piece of a block, and where in it that ends."""

    block: Block
    stop_s: float


def pieces(block: Block) -> Iterator[Piece]:
    """Cut a long block; only the first piece follows on its gap."""
    longest = round(LONGEST_BLOCK_S * block.sample_rate_hz)
    if len(block.samples) <= longest:
        yield Piece(block, block.seconds)
        return
    for start in range(0, len(block.samples), longest):
        samples = block.samples[start : start + longest]
        stop_s = (start + len(samples)) / block.sample_rate_hz
        yield Piece(replace(block, samples=samples, gap="" if start else block.gap), stop_s)
