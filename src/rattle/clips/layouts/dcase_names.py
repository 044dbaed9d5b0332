"""Parse file names of DCASE Task 2: 2020 by machine id, later ones by section and domain."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME_2020 = re.compile(r"(?:(?P<label>normal|anomaly)_)?(?P<id>id_\d{2})_\d+")

# 2021: section_00_source_train_normal_0000_strength_1_ambient. 2022 on: ..._0000_car_A1_spd_28V,
# also with an empty attribute (..._0000_) or noAttribute. Evaluation clips carry fewer words:
# section_03_source_test_0000 (2021), section_03_test_0000 (2022), section_00_0000 (2023 on).
_NAME_SECTION = re.compile(
    r"(?P<id>section_\d{2})"
    r"(?:_(?P<domain>source|target))?"
    r"(?:_(?P<split>train|test))?"
    r"(?:_(?P<label>normal|anomaly))?"
    r"_\d{3,}"
    r"(?:_(?P<attributes>.*))?"
)

# From 2025 some machines come with clean machine sound or background noise alone.
_NAME_SUPPLEMENTAL = re.compile(
    r"section_\d{2}_(?:.*_)?(?:supplemental|machine|clean|noise)_(?:.*_)?\d{3,}(?:_.*)?"
)


@dataclass(frozen=True)
class DcaseName:
    """A parsed name. ``split`` and ``domain`` are empty where the name does not say."""

    machine_id: str
    split: str
    label: str
    domain: str
    attributes: str

    @property
    def by_section(self) -> bool:
        """Whether the name is of 2021 or later."""
        return self.machine_id.startswith("section_")


def parse_dcase_name(stem: str) -> DcaseName | None:
    """Parse a file name without its suffix; None when it is not a DCASE name.

    >>> parse_dcase_name("anomaly_id_02_00000017").label
    'anomaly'
    >>> parse_dcase_name("section_00_target_test_normal_0003_car_B1_spd_31V").attributes
    'car=B1;spd=31V'
    """
    match = _NAME_2020.fullmatch(stem)
    if match:
        return DcaseName(match["id"], "", match["label"] or "unknown", "", "")
    match = _NAME_SECTION.fullmatch(stem)
    if match:
        return DcaseName(
            machine_id=match["id"],
            split=match["split"] or "",
            label=match["label"] or "unknown",
            domain=match["domain"] or "",
            attributes=_attributes(match["attributes"] or ""),
        )
    return None


def is_supplemental(stem: str) -> bool:
    """Tell whether a name is of a supplemental clip: clean machine sound or noise alone."""
    return _NAME_SECTION.fullmatch(stem) is None and _NAME_SUPPLEMENTAL.fullmatch(stem) is not None


def _attributes(text: str) -> str:
    """Turn ``car_A1_spd_28V`` into ``car=A1;spd=28V``, words that make no pairs into a note."""
    if text in ("", "noAttribute"):
        return ""
    words = text.split("_")
    if len(words) % 2:
        return f"note={text}"
    return ";".join(f"{name}={value}" for name, value in zip(words[::2], words[1::2], strict=True))
