"""Know the words by which people sort recordings into folders: healthy, faulty, train, test."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

NORMAL = ("normal", "normals", "good", "ok", "okay", "healthy")
ANOMALY = (
    *("anomaly", "anomalies", "anomalous", "abnormal", "bad", "ng", "nok", "not_ok", "fault"),
    *("faults", "faulty", "broken", "damaged", "defect", "defects", "defective"),
)
UNKNOWN = ("unknown", "unlabelled", "unlabeled", "unsorted")
TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation")
TEST = ("test", "testing", "eval", "evaluation", "holdout")

_LABEL_OF = (
    dict.fromkeys(NORMAL, "normal")
    | dict.fromkeys(ANOMALY, "anomaly")
    | dict.fromkeys(UNKNOWN, "unknown")
)
_SPLIT_OF = (
    dict.fromkeys(TRAIN, "train")
    | dict.fromkeys(VALIDATION, "validation")
    | dict.fromkeys(TEST, "test")
)
# Words that say nothing beside one of the above: "normal sounds", "test data", "NormalSound_IND".
_BESIDE = frozenset(
    {"sound", "sounds", "audio", "dataset", "data", "set", "clip", "clips", "file", "files"}
    | {"wav", "wavs", "recording", "recordings", "sample", "samples", "ind", "cnt"}
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_BREAK = re.compile(r"[\W_]+")

KNOWN_WORDS = (
    "normal, good, ok or healthy for healthy sound, anomaly, anomalous, abnormal, bad, ng, faulty, "
    "broken or defect for faults"
)


@dataclass(frozen=True)
class Meaning:
    """What a folder's name says; ``split`` and ``label`` are empty where it does not."""

    split: str = ""
    label: str = ""


def label_of(word: str) -> str | None:
    """Give the label that a word stands for, in any case; None for a word that is not known.

    >>> label_of("Good"), label_of("not ok"), label_of("0")
    ('normal', 'anomaly', None)
    """
    return _LABEL_OF.get("_".join(tokens(word)))


def split_of(word: str) -> str | None:
    """Give the split that a word stands for, in any case; None for a word that is not known."""
    return _SPLIT_OF.get("_".join(tokens(word)))


@cache
def meaning_of(name: str) -> Meaning | None:
    """Read a folder's name that says split or label and nothing else; None for any other.

    >>> meaning_of("NormalSound_IND"), meaning_of("test_NG"), meaning_of("press 3")
    (Meaning(split='', label='normal'), Meaning(split='test', label='anomaly'), None)
    """
    words = tokens(name)
    whole = label_of(name)
    if whole:
        return Meaning(label=whole)
    splits = {_SPLIT_OF[word] for word in words if word in _SPLIT_OF}
    labels = {_LABEL_OF[word] for word in words if word in _LABEL_OF}
    others = [w for w in words if w not in _SPLIT_OF and w not in _LABEL_OF and w not in _BESIDE]
    # A number counts folders of one kind: normal_2.
    if any(not word.isdigit() for word in others) or len(splits) > 1 or len(labels) > 1:
        return None
    if not splits and not labels:
        return None
    return Meaning("".join(splits), "".join(labels))


def says_a_word(name: str) -> bool:
    """Tell whether a name holds letters: a date or a number says nothing that could be unknown."""
    return any(character.isalpha() for character in name)


def contradiction(name: str, label: str) -> str:
    """Give the word in a file's or a folder's name that contradicts a label; empty for none.

    A word for a fault counts wherever it stands, one for healthy sound where the name says nothing
    else: ``normal_id_00_00000012``, but not ``normal_speed_worn``.

    >>> contradiction("NG01001", "normal"), contradiction("press not ok 2", "normal")
    ('ng', 'not ok')
    """
    words = tokens(name)
    if label == "normal":
        said = [*words, *map("_".join, pairwise(words))]
        return next((word.replace("_", " ") for word in said if word in ANOMALY), "")
    if label == "anomaly":
        said = [word for word in words if not word.isdigit() and word not in _BESIDE | {"id"}]
        is_healthy = bool(said) and all(w in NORMAL or w in _SPLIT_OF for w in said)
        return next((word for word in said if word in NORMAL), "") if is_healthy else ""
    return ""


def tokens(name: str) -> list[str]:
    """Take a name apart at signs, humps and numbers, lower case: ``NormalSound_2`` gives three."""
    plain = unicodedata.normalize("NFC", name)
    return [word.casefold() for word in _BREAK.split(_HUMP.sub("_", plain)) if word]
