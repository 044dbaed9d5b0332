"""The bundle file: whole or refused, in one line that names it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from rattle import BundleError, Detector
from rattle.bundle import Bundle, read_bundle, read_scoring_bundle, write_bundle
from rattle.bundle.file import EMBEDDINGS, GOLDEN, GRAPH, INFO, PARTS, REFERENCE, REPLAY
from rattle.bundle.known import Known
from rattle.bundle.replay import Replay

Content = dict[str, Any]
ENCODER, HEAD, BASELINE = PARTS.values()
# A network's bundle has these, a baseline's another.
MEMBERS = [INFO, ENCODER, HEAD, GOLDEN, EMBEDDINGS, REFERENCE, REPLAY, GRAPH]


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(members: dict[str, bytes], path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip with good checksums of its own, whatever its members hold."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def sealed(content: Content, members: dict[str, bytes]) -> bytes:
    """``bundle.json`` with the hashes that fit its content and these members."""
    content = {key: value for key, value in content.items() if key not in ("hash", "members")}
    content["members"] = {
        name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != INFO
    }
    text = json.dumps(content, sort_keys=True)
    return json.dumps(content | {"hash": hashlib.sha256(text.encode()).hexdigest()}).encode()


def refusal(path: Path) -> str:
    """What ``read_bundle`` says; one line that names the file."""
    with pytest.raises(BundleError) as refused:
        read_bundle(path)
    said = str(refused.value)
    assert str(path) in said
    assert len(said.splitlines()) == 1
    return said


@pytest.fixture(scope="module")
def bundle_file(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with every member there can be; its graph is never run. Read only."""
    path = tmp_path_factory.mktemp("bundles") / "whole.rattle"
    write_bundle(dataclasses.replace(detector.bundle(), graph=b"stands for a graph"), path)
    return path


@pytest.fixture
def members(bundle_file: Path) -> dict[str, bytes]:
    return members_of(bundle_file)


@pytest.fixture
def content(members: dict[str, bytes]) -> Content:
    loaded: Content = json.loads(members[INFO])
    return loaded


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    return tmp_path / "odd.rattle"


# What it holds


def test_a_bundle_reads_as_it_was_written(bundle_file: Path, odd: Path) -> None:
    whole = read_bundle(bundle_file)
    write_bundle(whole, odd)
    again = read_bundle(odd)
    assert again.info == whole.info
    for before, after in (
        (whole.learnt["encoder"], again.learnt["encoder"]),
        (whole.learnt["head"], again.learnt["head"]),
        (dict(enumerate(whole.golden)), dict(enumerate(again.golden))),
        (whole.known.arrays(), again.known.arrays()),
        (whole.replay.arrays(), again.replay.arrays()),
    ):
        assert before
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[name], after[name]) for name in before)
    assert again.graph == whole.graph == b"stands for a graph"


def test_the_same_content_gives_the_same_bytes(bundle_file: Path, odd: Path) -> None:
    whole = read_bundle(bundle_file)
    turned = Bundle(
        whole.info,
        {part: dict(reversed(arrays.items())) for part, arrays in whole.learnt.items()},
        whole.golden,
        whole.known,
        whole.replay,
        whole.reference,
        whole.graph,
    )
    write_bundle(turned, odd)
    assert odd.read_bytes() == bundle_file.read_bytes()


def test_a_bundle_is_stored_members_and_its_hashes_are_sha_256(
    bundle_file: Path, members: dict[str, bytes], content: Content
) -> None:
    with zipfile.ZipFile(bundle_file) as file:
        assert file.namelist() == MEMBERS
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert json.loads(sealed(content, members)) == content


def test_a_bundle_may_hold_neither_graph_nor_replay_set(
    bundle_file: Path, members: dict[str, bytes], content: Content, odd: Path
) -> None:
    """It need not keep them, and those written before there were any do not."""
    whole = read_bundle(bundle_file)
    write_bundle(
        dataclasses.replace(whole, known=Known(), replay=Replay(), reference=None, graph=None), odd
    )
    with zipfile.ZipFile(odd) as file:
        assert file.namelist() == [INFO, ENCODER, HEAD, GOLDEN]
    bare = read_bundle(odd)
    assert (bare.info, bare.replay) == (whole.info, Replay())
    assert not bare.known.normals
    assert Detector.load(odd).replay.is_empty
    del (
        members[EMBEDDINGS],
        members[REFERENCE],
        members[REPLAY],
        members[GRAPH],
        content["provenance"]["anomalies"],
        content["recipe"]["adaptation"],
    )
    before = read_bundle(zipped(members | {INFO: sealed(content, members)}, odd))
    assert before.info.provenance == whole.info.provenance


def test_a_bundles_identity_is_the_hash_of_its_content(bundle_file: Path, odd: Path) -> None:
    whole = read_bundle(bundle_file)
    write_bundle(dataclasses.replace(whole, graph=None), odd)
    assert whole.identity == json.loads(members_of(odd)[INFO])["hash"]
    head = whole.learnt["head"]
    for other in (
        {"info": whole.info.model_copy(update={"alpha": 0.25})},
        {"learnt": {**whole.learnt, "head": {**head, "bias": head["bias"] + 1}}},
        {"replay": Replay()},
    ):
        assert dataclasses.replace(whole, **other).identity != whole.identity


def test_an_exported_bundle_is_the_same_detector(bundle_file: Path) -> None:
    whole = read_bundle(bundle_file)
    for graph in (None, b"another graph"):
        assert dataclasses.replace(whole, graph=graph).identity == whole.identity


def test_the_graph_is_read_without_the_rest(bundle_file: Path, members: dict[str, bytes]) -> None:
    some, whole = read_scoring_bundle(bundle_file), read_bundle(bundle_file)
    assert some.info == whole.info
    assert some.graph == members[GRAPH]
    assert some.head is not None
    assert some.head.keys() == whole.learnt["head"].keys()
    assert all(map(np.array_equal, some.golden, whole.golden))


def test_damage_elsewhere_does_not_matter_to_the_graph_and_damage_to_it_does(
    members: dict[str, bytes], odd: Path
) -> None:
    zipped(members | {ENCODER: _flipped(members[ENCODER], 100, 1)}, odd)
    assert read_scoring_bundle(odd).graph == members[GRAPH]
    for name in (GRAPH, HEAD, GOLDEN):
        zipped(members | {name: _flipped(members[name], 3, 1)}, odd)
        with pytest.raises(BundleError, match=f"{name} was altered"):
            read_scoring_bundle(odd)


def test_a_bundle_without_its_head_is_damaged_and_not_merely_without_a_graph(
    members: dict[str, bytes], odd: Path
) -> None:
    content = json.loads(members[INFO])
    left = {name: data for name, data in members.items() if name != HEAD}
    zipped(left | {INFO: sealed(content, left)}, odd)
    with pytest.raises(BundleError, match="is damaged: it holds no head"):
        read_scoring_bundle(odd)


def test_all_that_was_learnt_from_was_used(bundle_file: Path) -> None:
    origin = read_bundle(bundle_file).info.provenance.model_copy(
        update={"anomalies": ("a",), "validation": ("v",)}
    )
    assert set(origin.used) == {*origin.trained, *origin.held_out, "a", "v"}


def test_a_failed_write_leaves_the_old_bundle_and_nothing_beside(
    bundle_file: Path, odd: Path
) -> None:
    odd.write_bytes(b"the old one")
    bad = dataclasses.replace(
        read_bundle(bundle_file), learnt={"head": {"w": np.array(["text"], dtype=object)}}
    )
    with pytest.raises(Exception, match=r".+"):
        write_bundle(bad, odd)
    assert odd.read_bytes() == b"the old one"
    assert list(odd.parent.iterdir()) == [odd]


# Damage


def test_a_bundle_cut_anywhere_is_refused(bundle_file: Path, odd: Path) -> None:
    data = bundle_file.read_bytes()
    near_the_ends = [*range(40), *(len(data) - cut for cut in range(1, 40))]
    for length in [*near_the_ends, *np.linspace(40, len(data) - 40, 30, dtype=int)]:
        odd.write_bytes(data[:length])
        refusal(odd)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_byte_of_a_member_is_refused(name: str, bundle_file: Path, odd: Path) -> None:
    data = bundle_file.read_bytes()
    member = members_of(bundle_file)[name]
    start = data.index(member)
    for offset in np.linspace(0, len(member) - 1, 12, dtype=int):
        odd.write_bytes(_flipped(data, start + int(offset)))
        refusal(odd)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_flipped_byte_of_a_member_is_refused_even_with_a_right_checksum(
    name: str, members: dict[str, bytes], odd: Path
) -> None:
    for offset in np.linspace(0, len(members[name]) - 1, 12, dtype=int):
        altered = members | {name: _flipped(members[name], int(offset), 0x01)}
        try:
            same = json.loads(altered[INFO]) == json.loads(members[INFO])
        except ValueError:
            same = False
        if name != INFO or not same:  # blanks in bundle.json carry nothing
            refusal(zipped(altered, odd))


def test_damage_anywhere_is_refused_or_does_no_harm(bundle_file: Path, odd: Path) -> None:
    """Zip's own headers hold dates and flags whose damage nobody need notice."""
    data = bundle_file.read_bytes()
    whole = read_bundle(bundle_file)
    directory = data.rindex(b"PK\x01\x02")
    rng = np.random.default_rng(0)
    places = [*range(directory, len(data)), *rng.integers(len(data), size=100)]
    for place in places:
        odd.write_bytes(_flipped(data, int(place), int(rng.integers(1, 256))))
        try:
            assert read_bundle(odd).info == whole.info
        except BundleError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017 - not every flip is refused


def _flipped(data: bytes, place: int, mask: int = 0xFF) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


# Members that do not belong


def test_swapped_members_are_refused(members: dict[str, bytes], odd: Path) -> None:
    swapped = members | {ENCODER: members[GOLDEN], GOLDEN: members[ENCODER]}
    assert "hash does not fit" in refusal(zipped(swapped, odd))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_refused(name: str, members: dict[str, bytes], odd: Path) -> None:
    del members[name]
    # A bundle may lack a part, a replay set and a graph, but not one that it states.
    reason = "other members" if name in (INFO, GOLDEN) else "a member is missing"
    assert reason in refusal(zipped(members, odd))


def test_an_added_replay_set_is_refused(
    members: dict[str, bytes], content: Content, odd: Path
) -> None:
    bare = {name: data for name, data in members.items() if name != REPLAY}
    added = members | {INFO: sealed(content, bare)}
    assert "a member is missing or was added" in refusal(zipped(added, odd))


@pytest.mark.parametrize(
    "name", ["notes.txt", "../../escaped", "/escaped", "model.pkl", "line\nbreak"]
)
def test_a_further_member_is_refused_and_never_written(
    name: str, members: dict[str, bytes], odd: Path
) -> None:
    before = set(odd.parent.parent.rglob("*"))
    assert "other members" in refusal(zipped(members | {name: b"x"}, odd))
    assert set(odd.parent.parent.rglob("*")) - before == {odd}


def test_a_member_that_is_there_twice_is_refused(members: dict[str, bytes], odd: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the duplicate name
        with zipfile.ZipFile(odd, "w") as file:
            for name, data in [*members.items(), (INFO, members[INFO])]:
                file.writestr(name, data)
    assert "other members" in refusal(odd)


def test_a_compressed_member_is_refused_unread(members: dict[str, bytes], odd: Path) -> None:
    members[ENCODER] = bytes(50 * 2**20)
    assert "is compressed" in refusal(zipped(members, odd, zipfile.ZIP_DEFLATED))


# Content that was edited


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.update(alpha=0.9),
        lambda content: content["recipe"]["scoring"].update(false_alarm_rate=0.5),
        lambda content: content["held_out"][0].update(distance=1e6),
        lambda content: content["scale"].update(high=1e6),
        lambda content: content["provenance"].update(outliers_substitute=True),
        lambda content: content["members"].update({ENCODER: "0" * 64}),
        lambda content: content.update(hash="0" * 64),
        lambda content: content.pop("hash"),
        lambda content: content.pop("members"),
    ],
    ids=["alpha", "rate", "held out", "scale", "origin", "member", "hash", "no hash", "no members"],
)
def test_an_edited_bundle_is_refused(
    edit: Callable[[Content], object], members: dict[str, bytes], content: Content, odd: Path
) -> None:
    edit(content)
    said = refusal(zipped(members | {INFO: json.dumps(content).encode()}, odd))
    assert "hash does not fit" in said


def test_a_wrong_hash_of_a_member_is_refused_under_a_right_hash_of_the_whole(
    members: dict[str, bytes], content: Content, odd: Path
) -> None:
    altered = members | {ENCODER: _flipped(members[ENCODER], 2000)}
    said = refusal(zipped(altered | {INFO: sealed(content, members)}, odd))
    assert f"{ENCODER} was altered" in said


@pytest.mark.parametrize("version", [0, 1, 4, 5, 8, "6", None, [6]])
def test_another_schema_version_is_refused_by_its_name(
    version: object, members: dict[str, bytes], content: Content, odd: Path
) -> None:
    content["schema_version"] = version
    said = refusal(zipped(members | {INFO: sealed(content, members)}, odd))
    assert (
        f"schema {version!r}, this rattle reads schemas 6 and 7; train the detector again" in said
    )


def test_a_bundle_of_schema_1_is_told_as_such_and_not_as_damaged(
    members: dict[str, bytes], content: Content, odd: Path
) -> None:
    """It had all that was learnt in one member, and another name for the graph."""
    content["schema_version"] = 1
    old = {"weights.safetensors": members[ENCODER], GOLDEN: members[GOLDEN], "model.onnx": b"x"}
    said = refusal(zipped({INFO: sealed(content, old), **old}, odd))
    assert "schema 1, this rattle reads schemas 6 and 7; train the detector again" in said
    assert "damaged" not in said


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (lambda content: content.update(alpha=2), "alpha"),
        (lambda content: content.update(machine="a/b/c"), "machine"),
        (lambda content: content.update(machine=".."), "machine"),
        (lambda content: content.update(machine="./id_00"), "machine"),
        (lambda content: content["provenance"].update(anomalies="all"), "provenance.anomalies"),
        (lambda content: content.update(held_out=[]), "held_out"),
        (lambda content: content["held_out"][0].update(gap=None), "normal clips' parts"),
        (
            lambda content: content["amplitude"].update(deviation=0),
            "amplitude or scale has no width",
        ),
        (lambda content: content["scale"].update(low=float("nan")), "scale.low"),
        (lambda content: content.update(surprise=1), "surprise"),
        (lambda content: content.pop("provenance"), "provenance"),
        (lambda content: content["recipe"]["loss"].update(name="magic"), "recipe.loss.name"),
    ],
)
def test_content_that_makes_no_sense_is_refused_even_with_right_hashes(
    edit: Callable[[Content], object],
    key: str,
    members: dict[str, bytes],
    content: Content,
    odd: Path,
) -> None:
    edit(content)
    assert key in refusal(zipped(members | {INFO: sealed(content, members)}, odd))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format": "zip"}',
        b"\xff\xfe",
        b"[" * 10**6,
        b'{"a":' * 10**6,
        b'{"format": "rattle-bundle", "schema_version": 5, "a": ' + b"[" * 990 + b"]" * 990 + b"}",
        b'{"format": "rattle-bundle", "schema_version": 5, "a": ' + b"9" * 10**5 + b"}",
    ],
    ids=[
        "empty",
        "null",
        "list",
        "bare",
        "other",
        "utf-16",
        "nested-lists",
        "nested-objects",
        "deep",
        "number",
    ],
)
def test_a_bundle_json_that_describes_no_bundle_is_refused(
    text: bytes, members: dict[str, bytes], odd: Path
) -> None:
    refusal(zipped(members | {INFO: text}, odd))


@pytest.mark.parametrize(
    "tensors",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**9) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 10**5) + b"[" * 10**5,
    ],
    ids=["empty", "huge header", "header beyond the end", "no object", "nested"],
)
def test_tensors_that_cannot_be_read_are_refused_even_with_right_hashes(
    tensors: bytes, members: dict[str, bytes], content: Content, odd: Path
) -> None:
    for name in (ENCODER, HEAD, GOLDEN, REPLAY):
        altered = members | {name: tensors}
        said = refusal(zipped(altered | {INFO: sealed(content, altered)}, odd))
        assert "tensors cannot be read" in said


def test_tensors_of_a_type_that_numpy_lacks_are_refused(
    members: dict[str, bytes], content: Content, odd: Path
) -> None:
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    members[ENCODER] = struct.pack("<Q", len(header)) + header + bytes(4)
    # Some releases of safetensors read it as another type; the network then refuses it.
    zipped(members | {INFO: sealed(content, members)}, odd)
    with pytest.raises(BundleError, match=r"odd\.rattle"):
        Detector.load(odd)


HASH = "0" * 64
LOG_MEL = np.zeros((5, 32), np.float16)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        (f"normals|000000|{HASH}|", LOG_MEL[:, :31], "features of other than 32 numbers"),
        (f"normals|000000|{HASH}|", LOG_MEL[0], "features of other than 32 numbers"),
        (f"normals|000000|{HASH}|", LOG_MEL[None], "features of other than 32 numbers"),
        (f"normals|000000|{HASH}|", LOG_MEL.astype(np.float64), "is float64"),
        (f"normals|000000|{HASH}|", LOG_MEL[:0], "of shape (0, 32)"),
        (f"normals|000000|{HASH}|", LOG_MEL + np.float16("nan"), "NaN or infinity"),
        (f"secrets|000000|{HASH}|", LOG_MEL, "has a member 'secrets|"),
        ("normals", LOG_MEL, "has a member 'normals'"),
    ],
)
def test_an_odd_replay_set_is_refused_even_with_right_hashes(
    name: str,
    array: NDArray[np.generic],
    said: str,
    members: dict[str, bytes],
    content: Content,
    odd: Path,
) -> None:
    altered = members | {REPLAY: save({name: array})}
    assert said in refusal(zipped(altered | {INFO: sealed(content, altered)}, odd))


@pytest.mark.parametrize(
    ("missing", "added"),
    [([HEAD], []), ([ENCODER], []), ([ENCODER, HEAD], [BASELINE]), ([], [BASELINE])],
)
def test_parts_that_the_recipe_does_not_have_are_refused_even_with_right_hashes(
    missing: list[str], added: list[str], members: dict[str, bytes], content: Content, odd: Path
) -> None:
    altered = {name: data for name, data in members.items() if name not in missing}
    altered |= dict.fromkeys(added, members[HEAD])
    said = refusal(zipped(altered | {INFO: sealed(content, altered)}, odd))
    assert "by its recipe it holds encoder and head" in said


# No bundle at all


def test_other_files_and_no_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.rattle").write_text("not a bundle")
    (tmp_path / "empty.rattle").touch()
    (tmp_path / "folder.rattle").mkdir()
    assert "not a zip file" in refusal(tmp_path / "text.rattle")
    assert "not a zip file" in refusal(tmp_path / "empty.rattle")
    assert "is a folder" in refusal(tmp_path / "folder.rattle")
    assert "there is no bundle" in refusal(tmp_path / "missing.rattle")
    assert "not a whole rattle bundle" in refusal(tmp_path / "text.rattle" / "below.rattle")
