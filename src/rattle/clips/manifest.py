"""The manifest: a table with one row a clip: a recording, or an excerpt of a long one.

Every room after this one takes clips as such a table, never as a folder. Columns:

| column | meaning |
|---|---|
| path | absolute path of the file |
| source_set | what was recorded alike: ``mimii``, ``toyadmos``, ``dcase2021`` ..., ``site`` |
| machine_type, machine_id | ``fan`` and ``id_00``; the id may be empty |
| split | ``train``, ``validation`` or ``test`` |
| label | ``normal``, ``anomaly`` or ``unknown`` |
| domain | ``source``, ``target`` or empty |
| attributes | ``name=value`` pairs joined by ``;``, or empty |
| channels, sample_rate_hz | as the file's header says |
| frames | of the clip, a channel |
| content_hash | what tells its sound from others (``content``), an excerpt by its place too |
| start_frame | the first frame of an excerpt in its file; null for a whole recording |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from rattle.clips.called import called_as
from rattle.clips.clip import RECORDING_FIELDS, Clip
from rattle.clips.content import is_of_file
from rattle.clips.excerpt import sharing_sound
from rattle.clips.machine import Machine
from rattle.errors import DataError

SCHEMA = pl.Schema(
    {
        "path": pl.String(),
        "source_set": pl.String(),
        "machine_type": pl.String(),
        "machine_id": pl.String(),
        "split": pl.String(),
        "label": pl.String(),
        "domain": pl.String(),
        "attributes": pl.String(),
        "channels": pl.Int64(),
        "sample_rate_hz": pl.Int64(),
        "frames": pl.Int64(),
        "content_hash": pl.String(),
        "start_frame": pl.Int64(),
    }
)
SPLITS = ("train", "validation", "test")
ORDER = ("path", "start_frame")
LABELS = ("normal", "anomaly", "unknown")
DOMAINS = ("source", "target", "")
_OPTIONAL = ("machine_id", "domain", "attributes")
_NUMBERS = ("channels", "sample_rate_hz", "frames")


@dataclass(frozen=True)
class Manifest:
    """A table of clips, sorted by path and time; ``table`` has the columns of ``SCHEMA``."""

    table: pl.DataFrame

    @classmethod
    def from_clips(cls, clips: Iterable[Clip]) -> Manifest:
        rows = [vars(clip) for clip in clips]
        return cls(pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(ORDER))

    def __len__(self) -> int:
        return self.table.height

    def __iter__(self) -> Iterator[Clip]:
        return (Clip(**row) for row in self.table.iter_rows(named=True))

    def machines(self) -> list[Machine]:
        """List the machines that occur, sorted."""
        pairs = self.table.select("machine_type", "machine_id").unique().rows()
        return sorted(Machine(*pair) for pair in pairs)

    def of(
        self,
        machine: Machine | None = None,
        *,
        split: str | None = None,
        label: str | None = None,
    ) -> Manifest:
        """Select the clips of a machine, a split, a label; None selects them all."""
        table = self.table
        if machine is not None:
            table = table.filter(_is_of(machine))
        if split is not None:
            table = table.filter(pl.col("split") == split)
        if label is not None:
            table = table.filter(pl.col("label") == label)
        return Manifest(table)

    def without(self, machine: Machine) -> Manifest:
        """Select the clips of every other machine."""
        return Manifest(self.table.filter(~_is_of(machine)))

    def strangers_to(self, machine: Machine) -> Manifest:
        """Select the clips of every machine but this one and its namesakes in other sets."""
        table = self.table
        for other in self.machines():
            if other.is_namesake(machine):
                table = table.filter(~_is_of(other))
        return Manifest(table)

    def without_content(self, hashes: Iterable[str]) -> Manifest:
        """Select the clips that share no sound with those of ``hashes`` (``sharing_sound``)."""
        known = sharing_sound(self.hashes(), set(hashes))
        return Manifest(self.table.filter(~pl.col("content_hash").is_in(known)))

    def with_content(self, hashes: Iterable[str]) -> Manifest:
        """Select the clips whose content hash is among ``hashes``."""
        return Manifest(self.table.filter(pl.col("content_hash").is_in(list(hashes))))

    def called_as(self, hashes: Collection[str]) -> Manifest:
        """Call clips as an older bundle does, which knows some by these hashes: ``called``."""
        if not any(map(is_of_file, hashes)):
            return self
        return Manifest.from_clips(called_as(list(self), hashes))

    def require(self, machine: Machine) -> Manifest:
        """Select a machine's clips; ``DataError`` names the machines there are if it has none."""
        clips = self.of(machine)
        if not len(clips):
            known = ", ".join(str(m) for m in self.machines()) or "none"
            raise DataError(f"no clip of machine {machine}; the machines at hand are: {known}")
        return clips

    def outliers_for(self, machine: Machine) -> Manifest:
        """Select the training normals of the other machines of its source set (section IV-A)."""
        sets = self.require(machine).table["source_set"].unique().to_list()
        others = self.strangers_to(machine).of(split="train", label="normal")
        return Manifest(others.table.filter(pl.col("source_set").is_in(sets)))

    def hashes(self) -> list[str]:
        """List the clips' content hashes, in the table's order."""
        return self.table["content_hash"].to_list()

    def write_csv(self, path: Path) -> None:
        """Write a CSV file for ``read_csv``; for those that people write see ``layouts``.

        It is of whole recordings, which are cut where they are learnt from; ``ValueError`` where an
        excerpt is among them.
        """
        if self.table["start_frame"].null_count() < len(self):
            raise ValueError("a manifest of excerpts is not written: write that of the recordings")
        self.table.select(RECORDING_FIELDS).write_csv(path)

    @classmethod
    def read_csv(cls, path: Path) -> Manifest:
        """Read what ``write_csv`` wrote; ``DataError`` for anything else."""
        try:
            # As bytes: polars takes a path for a pattern, a folder of tables or an address.
            text = pl.read_csv(path.read_bytes(), infer_schema=False)
            if text.columns != list(RECORDING_FIELDS):
                raise _not_written(path, f"its columns are {', '.join(text.columns)}")
            table = text.with_columns(
                pl.col(*_OPTIONAL).fill_null(""), pl.col(*_NUMBERS).cast(pl.Int64)
            ).with_columns(start_frame=pl.lit(None, pl.Int64))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _not_written(path, str(error).splitlines()[0]) from None
        empty = [name for name in RECORDING_FIELDS if table[name].null_count()]
        if empty:
            raise _not_written(path, f"a row without {', '.join(empty)}")
        for name, choices in (("split", SPLITS), ("label", LABELS), ("domain", DOMAINS)):
            odd = set(table[name].unique().to_list()) - set(choices)
            if odd:
                raise _not_written(path, f"a {name} {min(odd)!r}")
        return cls(table)


def _is_of(machine: Machine) -> pl.Expr:
    return (pl.col("machine_type") == machine.type) & (pl.col("machine_id") == machine.id)


def _not_written(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is not a manifest that rattle wrote ({reason}); remove it, and say where the "
        "recordings are",
        argument="data",
    )
