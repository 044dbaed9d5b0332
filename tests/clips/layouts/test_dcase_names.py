from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rattle.clips.layouts.dcase_names import DcaseName, is_supplemental, parse_dcase_name

numbers = st.integers(0, 9999).map("{:04d}".format)
two_digits = st.integers(0, 99).map("{:02d}".format)
words = st.text("abcXYZ0189.-+", min_size=1, max_size=6)


@given(st.sampled_from(["normal", "anomaly"]), two_digits, st.integers(0, 10**8 - 1))
def test_every_2020_name_gives_back_what_it_was_made_of(label: str, id_: str, n: int) -> None:
    expected = DcaseName(f"id_{id_}", "", label, "", "")
    assert parse_dcase_name(f"{label}_id_{id_}_{n:08d}") == expected


@given(
    two_digits,
    st.sampled_from(["source", "target"]),
    st.sampled_from(["train", "test"]),
    st.sampled_from(["normal", "anomaly"]),
    numbers,
    st.lists(st.tuples(words, words), max_size=4),
)
def test_every_section_name_gives_back_what_it_was_made_of(
    section: str, domain: str, split: str, label: str, number: str, pairs: list[tuple[str, str]]
) -> None:
    stem = "_".join(
        [f"section_{section}", domain, split, label, number, *(w for pair in pairs for w in pair)]
    )
    attributes = ";".join(f"{name}={value}" for name, value in pairs)
    assert parse_dcase_name(stem) == DcaseName(
        f"section_{section}", split, label, domain, attributes
    )


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_none_and_never_an_error(text: str) -> None:
    name = parse_dcase_name(text)
    assert name is None or text.removeprefix(f"{name.label}_").startswith(name.machine_id)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("id_01_00000042", DcaseName("id_01", "", "unknown", "", "")),
        (
            "section_03_source_test_0000",
            DcaseName("section_03", "test", "unknown", "source", ""),
        ),
        ("section_03_test_0000", DcaseName("section_03", "test", "unknown", "", "")),
        ("section_00_0199", DcaseName("section_00", "", "unknown", "", "")),
        (
            "section_00_source_train_normal_0000_",
            DcaseName("section_00", "train", "normal", "source", ""),
        ),
        (
            "section_00_source_train_normal_0765_noAttribute",
            DcaseName("section_00", "train", "normal", "source", ""),
        ),
        (
            "section_00_source_train_normal_0000_strength_1_ambient",
            DcaseName("section_00", "train", "normal", "source", "note=strength_1_ambient"),
        ),
    ],
)
def test_unusual_names_are_understood(stem: str, expected: DcaseName) -> None:
    assert parse_dcase_name(stem) == expected


@pytest.mark.parametrize(
    "stem", ["normal_00000000", "recording 3", "id_1", "section_00", "section_00_machine_0001_", ""]
)
def test_other_names_are_none(stem: str) -> None:
    assert parse_dcase_name(stem) is None


def test_supplemental_names_are_told_from_recordings() -> None:
    for stem in (
        "section_00_machine_0001_",
        "section_00_noise_0001",
        "section_00_noise_supplemental_normal_0000",
        "section_00_source_supplemental_machine_0000",
    ):
        assert is_supplemental(stem)
    assert not is_supplemental("section_00_source_test_normal_0000_mic_1_noise_0001")
    assert not is_supplemental("machine_0001")
