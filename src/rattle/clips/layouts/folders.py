"""Take the folders above a file apart: those that name a machine, a split, a label, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from rattle.clips.entry import LeftOut
from rattle.clips.layouts.words import Meaning, contradiction, meaning_of, says_a_word


@dataclass(frozen=True)
class Folders:
    """What the folders of one file say.

    ``above`` are those before the first that says split or label, ``between`` those among them
    (``train/press/good``), ``below`` those after the last. ``split`` and ``label`` are empty where
    no folder says so. ``root`` is the folder that ``above`` is counted from.
    """

    path: Path
    root: Path
    above: tuple[str, ...]
    words: tuple[str, ...]
    between: tuple[str, ...]
    below: tuple[str, ...]
    split: str
    label: str

    @property
    def place(self) -> Path:
        """The folder that says it all: what lies deeper only divides its clips."""
        depth = len(self.below) + 1
        return self.path.parents[depth - 1]

    @property
    def machine(self) -> tuple[str, ...]:
        """The folders that name the machine; none where ``normal`` and the like stand on top."""
        return self.above or self.between

    @property
    def says_train(self) -> bool:
        """Whether the folders say that it is for training and not what it is."""
        return self.split == "train" and not self.label

    @property
    def free(self) -> tuple[str, ...]:
        """The folders that divide a machine's clips: days, or kinds of fault."""
        return (*self.between, *self.below) if self.above else self.below

    @property
    def unread(self) -> tuple[str, ...]:
        """Those of ``free`` with a word that is not known."""
        return tuple(name for name in self.free if says_a_word(name))


def take_apart(path: Path, root: Path) -> Folders | LeftOut:
    """Read the folders of a file below ``root``.

    Where none of them says split or label, or one does before any names a machine, ``root`` itself
    counts if it is such a folder (``press/val``, given alone): then what is above it names the
    machine. A file is left out where its folders say nothing, or where they or its own name
    contradict each other.
    """
    # One file system writes letters with signs above as two characters.
    names = [normalize("NFC", name) for name in path.parent.relative_to(root).parts]
    said = [meaning_of(name) for name in names]
    while not any(said) or said[0]:
        of_root = meaning_of(root.name)
        if of_root is None:
            break
        names.insert(0, root.name)
        said.insert(0, of_root)
        root = root.parent
    where = [i for i, meaning in enumerate(said) if meaning]
    if not where:
        return LeftOut(path, "no folder above it is called normal, train, test or the like")
    first, last = where[0], where[-1]
    meanings = [meaning for meaning in said if meaning]
    reason = _contradictory([names[i] for i in where], meanings)
    split = "".join({meaning.split for meaning in meanings} if not reason else "")
    label = "".join({meaning.label for meaning in meanings} if not reason else "")
    taken_for = label or ("normal" if split == "train" else "")
    free = [name for name, meaning in zip(names[first:], said[first:], strict=True) if not meaning]
    for name in (path.stem, *free) if taken_for == "normal" else (path.stem,):
        word = contradiction(name, taken_for)
        if word and not reason:
            what = "name" if name == path.stem else f"folder {name!r}"
            reason = f"its {what} says {word!r} and its folder {names[last]!r}; move or rename it"
    if reason:
        return LeftOut(path, reason)
    return Folders(
        path=path,
        root=root,
        above=tuple(names[:first]),
        words=tuple(names[i] for i in where),
        between=tuple(n for n, m in zip(names[first:last], said[first:last], strict=True) if not m),
        below=tuple(names[last + 1 :]),
        split=split,
        label=label,
    )


def _contradictory(names: list[str], meanings: list[Meaning]) -> str:
    """Say which two folders exclude each other; empty where none do."""
    for what in ("split", "label"):
        by_value = {getattr(m, what): n for n, m in zip(names, meanings, strict=True)}
        by_value.pop("", None)
        if len(by_value) > 1:
            first, second = list(by_value.values())[:2]
            return f"its folders say both {first!r} and {second!r}; move it out of one of them"
    return ""
