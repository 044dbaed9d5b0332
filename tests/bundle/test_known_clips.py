"""Embeddings in a bundle: read back as they were kept, refused where they are something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rattle.bundle.known import MOST_CLIPS, Known, KnownClip, Named, stacked

D = 4


def embedded(count: int, first: int = 0, windows: int = 2) -> tuple[KnownClip, ...]:
    """Clips ``first``, ``first + 1`` ... of so many windows each."""
    rng = np.random.default_rng(first)
    return tuple(
        KnownClip(
            Named(f"{first + n:064x}", f"{first + n}.wav"),
            rng.standard_normal((windows, D)).astype(np.float32),
        )
        for n in range(count)
    )


def whole() -> Known:
    rng = np.random.default_rng(9)
    weight, bias, centre = (rng.standard_normal(n).astype(np.float32) for n in (D, 1, D))
    return Known(
        normals=embedded(12),
        held_out=embedded(3, 100, windows=1),
        anomalies=embedded(2, 200, windows=5),
        outliers=rng.standard_normal((7, D)).astype(np.float32),
        start={"weight": weight, "bias": bias, "centre": centre},
    )


def read_back(known: Known) -> Known:
    return Known.of_arrays(load(save(known.arrays())), D)


def listed(known: Known) -> list[object]:
    """All that it holds, to compare: names, order and every bit."""
    kinds = (known.normals, known.held_out, known.anomalies)
    clips = [[(clip.clip, clip.z.tobytes(), clip.z.shape) for clip in kind] for kind in kinds]
    start = sorted((name, value.tobytes(), value.shape) for name, value in known.start.items())
    return [clips, known.outliers.tobytes(), known.outliers.shape, start]


# Written and read


def test_what_was_kept_reads_back_bit_for_bit_in_its_order() -> None:
    assert listed(read_back(whole())) == listed(whole())


def test_nothing_kept_reads_back_as_nothing() -> None:
    assert Known().arrays() == {}
    again = read_back(Known())
    assert (again.normals, again.held_out, again.anomalies, dict(again.start)) == ((), (), (), {})
    assert again.outliers.shape == (0, D)


@pytest.mark.parametrize("name", ["fan 1|2.wav", "|", "Öfen #1.wav", "音.wav", "", "a=b;c.wav"])
def test_a_file_may_have_any_name_that_can_be_shown(name: str) -> None:
    known = Known(
        anomalies=(KnownClip(Named.of("ab", f"/x/{name}"), np.zeros((1, D), np.float32)),)
    )
    assert read_back(known).anomalies[0].clip == Named("ab", Path(f"/x/{name}").name)


@given(st.text(alphabet=st.characters(), max_size=12))
def test_no_name_of_a_file_can_make_a_bundle_that_is_refused(name: str) -> None:
    named = Named.of("ab", f"/recordings/{name}")
    known = Known(normals=(KnownClip(named, np.zeros((1, D), np.float32)),))
    assert read_back(known).normals[0].clip == named


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[31mred.wav", "a?[31mred.wav"),
        ("two\nlines.wav", "two?lines.wav"),
        ("of-bytes-\udce9\udcff.wav", "of-bytes-??.wav"),
        ("back\u202ewards.wav", "back?wards.wav"),
        ("plain name.wav", "plain name.wav"),
    ],
)
def test_what_no_terminal_can_show_is_replaced_in_names(name: str, shown: str) -> None:
    assert Named.of("ab", Path("/recordings") / name) == Named("ab", shown)


# Refused

ONE = np.ones((1, D), np.float32)


@pytest.mark.parametrize(
    ("key", "stored", "message"),
    [
        ("normals|000000|ab|a.wav", ONE.astype(np.float64), r"are float64 of shape \(1, 4\)"),
        ("normals|000000|ab|a.wav", ONE.astype(np.float16), "are float16 of shape"),
        ("normals|000000|ab|a.wav", ONE[0], r"are float32 of shape \(4,\)"),
        ("normals|000000|ab|a.wav", ONE[None], r"of shape \(1, 1, 4\)"),
        ("normals|000000|ab|a.wav", ONE[:0], r"of shape \(0, 4\)"),
        ("normals|000000|ab|a.wav", ONE[:, :3], "have 3 numbers, its head takes 4"),
        ("outliers", ONE[:, :3], "have 3 numbers, its head takes 4"),
        ("start|weight", ONE[:, :3], "have 3 numbers, its head takes 4"),
        ("start|bias", ONE, "have 4 numbers, its head takes 1"),
        ("held_out|000000|ab|a.wav", np.full((1, D), np.nan, np.float32), "NaN or infinity"),
        ("outliers", np.full((1, D), np.inf, np.float32), "NaN or infinity"),
        ("start|weight", np.repeat(ONE, 2, axis=0), "have a member 'start|weight'"),
        ("start|temperature", ONE, "have a member"),
        ("start", ONE, "have a member"),
        ("start|weight|more", ONE, "have a member"),
        ("outliers|000000", ONE, "have a member"),
        ("strangers|000000|ab|a.wav", ONE, "have a member"),
        ("normals|000000|ab", ONE, "have a member"),
        ("", ONE, "have a member ''"),
        ("normals|000000|ab|\x1b[2J.wav", ONE, r"have a member 'normals\|000000\|ab\|\\x1b"),
        ("anomalies|000000|ab|two\nlines", ONE, "have a member"),
    ],
)
def test_what_rattle_did_not_write_is_refused(
    key: str, stored: NDArray[np.generic], message: str
) -> None:
    arrays = {**whole().arrays(), key: stored}
    with pytest.raises(ValueError, match=message):
        Known.of_arrays(arrays, D)


# Bounded, and without some


def test_the_first_of_each_kind_are_kept() -> None:
    many = Known(
        normals=embedded(MOST_CLIPS + 3),
        held_out=embedded(MOST_CLIPS + 1, 500),
        anomalies=embedded(2, 900),
        outliers=whole().outliers,
        start=whole().start,
    )
    kept = many.bounded()
    assert kept.normals == many.normals[:MOST_CLIPS]
    assert kept.held_out == many.held_out[:MOST_CLIPS]
    assert kept.anomalies == many.anomalies
    assert listed(kept)[1:] == listed(many)[1:]
    assert listed(read_back(kept)) == listed(kept)


def test_clips_are_left_out_whatever_they_served_as() -> None:
    known = whole()
    gone = {known.normals[3].hash, known.held_out[0].hash, known.anomalies[1].hash, "unheard of"}
    left = known.without(gone)
    assert left.normals == (*known.normals[:3], *known.normals[4:])
    assert left.held_out == known.held_out[1:]
    assert left.anomalies == known.anomalies[:1]
    assert listed(left)[1:] == listed(known)[1:]
    assert not gone & left.names().keys()


def test_clips_are_named_by_hash() -> None:
    names = whole().names()
    assert len(names) == 12 + 3 + 2
    assert names[f"{201:064x}"] == "201.wav"


def test_windows_of_clips_are_stacked_in_order() -> None:
    clips = (*embedded(2), *embedded(1, 5, windows=3))
    z = stacked(clips, D)
    assert z.shape == (2 * 2 + 3, D)
    np.testing.assert_array_equal(z[4:], clips[2].z)
    assert stacked((), D).shape == (0, D)


def test_the_kind_of_a_fault_stands_before_its_name() -> None:
    assert Named.of("0" * 64, "/plant/faults/bearing/a.wav", "kind=bearing").name == "bearing/a.wav"
    assert Named.of("0" * 64, "/plant/a.wav", "speed=3").name == "a.wav"
