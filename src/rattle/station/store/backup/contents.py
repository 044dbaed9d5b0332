"""State what a backup holds, and which names may be in one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE = "contents.json"
# What is read as a whole: this, and each piece of a table.
MOST_BYTES = 256 << 20
# Where what is called so lies in the data folder; nothing else is taken into a backup or out.
FOLDERS = {
    "releases": r"[\w.+-]{1,200}\.rattle",
    "clips": r"[0-9a-f]{2}/[0-9a-f]{64}\.flac",
    "embeddings": r"[0-9A-Z]{26}/\d{4}-\d\d-\d\d/\d\d\.z",
    "kept": r"[0-9A-Z]{26}/\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d\.\d{3}\.flac",
    "heard": r"[\w.%~+-]{1,255}\.jsonl",
}
OF_DATA = re.compile("|".join(f"{folder}/{name}" for folder, name in FOLDERS.items()), re.ASCII)
OF_TABLE = re.compile(r"tables/[a-z_]{1,60}/\d{6}\.jsonl", re.ASCII)

# Told of what goes on: what it is, how many are done, and of how many.
OnDone = Callable[[str, int, int], None]


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Member(_Stated):
    """A file in the backup."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Table(_Stated):
    """A table: its columns in the order of each row, and its members in theirs."""

    columns: tuple[str, ...]
    rows: int = Field(ge=0)
    members: tuple[str, ...] = ()


class Contents(_Stated):
    """All of it.

    schema: the step of ``migrations`` that its tables are at. absent: recordings that rows name and
    that were not in the data folder.
    """

    format: Literal[1] = 1
    plant: str
    rattle: str
    made: datetime
    schema_: str = Field(alias="schema")
    tables: dict[str, Table]
    members: dict[str, Member]
    absent: tuple[str, ...] = ()
