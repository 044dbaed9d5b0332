"""The bundle: one ``.rattle`` file that holds a trained detector.

A zip of

    bundle.json            ``BundleInfo``, and the SHA-256 of every member and of itself
    encoder.safetensors    the network's weights up to the embedding z
    head.safetensors       the machine's own w, b and what d is measured from (``scoring.head``)
    baseline.safetensors   in place of these two, what a baseline learnt
    golden.safetensors     some held-out clips as 16-bit samples, whose scores bundle.json states
    embeddings.safetensors embeddings of the clips that its head was fitted to; of no baseline
    reference.safetensors  what the machine's healthy clips sound like (``diagnosis.reference``)
    replay.safetensors     some features of what it was trained on, to adapt it with; may be absent
    encoder.onnx           the encoder as a graph, from samples to z, where it was exported

Nothing in it is code and nothing is unpickled. Reading trusts no header: only these members are
read, none beyond its bound, and every hash is checked. The hashes show damage and tampering by
accident; they are no signature.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from rattle.atomic import replacing
from rattle.bundle.known import Known
from rattle.bundle.replay import Replay
from rattle.bundle.schema import READ_VERSIONS, BundleInfo
from rattle.diagnosis.reference import Reference
from rattle.errors import BundleError
from rattle.scoring.head import Head

SUFFIX = ".rattle"
INFO, GOLDEN = "bundle.json", "golden.safetensors"
# The parts of what a model learnt, a member each: a network's, or a baseline's.
PARTS = {part: f"{part}.safetensors" for part in ("encoder", "head", "baseline")}
NETWORK_PARTS, BASELINE_PARTS = ("encoder", "head"), ("baseline",)
EMBEDDINGS, REFERENCE = "embeddings.safetensors", "reference.safetensors"
REPLAY, GRAPH = "replay.safetensors", "encoder.onnx"
# ResNet38's weights are 274 MB; a bundle.json of 100,000 clip hashes is 7 MB.
BOUNDS = {
    INFO: 64 * 2**20,
    **dict.fromkeys(PARTS.values(), 2 * 2**30),
    GOLDEN: 256 * 2**20,
    EMBEDDINGS: 512 * 2**20,
    REFERENCE: 64 * 2**20,
    REPLAY: 2**30,
    GRAPH: 2 * 2**30,
}
TENSORS = {*PARTS.values(), GOLDEN, EMBEDDINGS, REFERENCE, REPLAY}
# Zip needs a time for each member; a fixed one makes equal content equal bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

Tensors = Mapping[str, NDArray[Any]]
GoldenClips = tuple[NDArray[np.int16], ...]


@dataclass(frozen=True)
class Bundle:
    """A bundle's content.

    ``learnt`` holds arrays by part and name: ``encoder`` and ``head``, or ``baseline``. ``golden``
    are clips of 16-bit samples ``[T]``, one for each score that ``info`` states.
    """

    info: BundleInfo
    learnt: Mapping[str, Tensors]
    golden: GoldenClips
    known: Known = field(default_factory=Known)
    replay: Replay = field(default_factory=Replay)
    reference: Reference | None = None
    graph: bytes | None = None

    @cached_property
    def identity(self) -> str:
        """What an adapted bundle calls its parent: the hash of its content.

        Of all but the graph, which follows from the rest: exporting makes no other detector.
        """
        return str(_content(self, _tensor_members(self))["hash"])

    @cached_property
    def encoder_identity(self) -> str | None:
        """The hash of the encoder's weights, the same in all bundles of a fleet; None of none."""
        if "encoder" not in self.learnt:
            return None
        return _sha256(save_tensors(dict(self.learnt["encoder"])))


@dataclass(frozen=True)
class ScoringBundle:
    """What scoring by the graph takes of a bundle: no weights of an encoder, no replay set.

    ``head`` is None for a baseline, ``graph`` where the bundle was not exported. ``identity`` is
    that of the whole bundle.
    """

    info: BundleInfo
    head: Tensors | None
    golden: GoldenClips
    graph: bytes | None
    identity: str = ""


def write_bundle(bundle: Bundle, path: Path) -> None:
    """Write beside, then rename. The same content gives the same bytes."""
    members = _tensor_members(bundle)
    if bundle.graph is not None:
        members[GRAPH] = bundle.graph
    content = _content(bundle, members)
    members = {INFO: json.dumps(content, indent=1).encode(), **members}
    with replacing(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, ZIP_TIME), data)


def _tensor_members(bundle: Bundle) -> dict[str, bytes]:
    members = {PARTS[part]: save_tensors(dict(of)) for part, of in bundle.learnt.items()}
    golden = {f"clip{index:02}": samples for index, samples in enumerate(bundle.golden)}
    members[GOLDEN] = save_tensors(golden)
    reference = {} if bundle.reference is None else bundle.reference.arrays()
    for name, arrays in (
        (EMBEDDINGS, bundle.known.arrays()),
        (REFERENCE, reference),
        (REPLAY, bundle.replay.arrays()),
    ):
        if arrays:
            members[name] = save_tensors(dict(arrays))
    return members


def _content(bundle: Bundle, members: dict[str, bytes]) -> dict[str, Any]:
    content = bundle.info.model_dump(mode="json")
    content["members"] = {name: _sha256(data) for name, data in members.items()}
    content["hash"] = _content_hash(content)
    return content


def read_bundle(path: Path) -> Bundle:
    """Read and check a bundle; ``BundleError`` names what is wrong with it."""
    members, content, _ = _checked(path, BOUNDS)
    info = _info(content, path)
    parts = _parts(info, members, path)
    tensors = {name: _tensors(members[name], path) for name in members if name in TENSORS}
    arrays = tensors.get(REPLAY, {})
    width = info.recipe.feature_width
    if any(clip.shape[1:] != (width,) for clip in arrays.values()):
        raise _damaged(path, f"its replay set holds features of other than {width} numbers a frame")
    try:
        known = _known(info, tensors)
        replay = Replay.of_arrays(arrays)
        reference = _reference(info, tensors)
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    return Bundle(
        info,
        {part: tensors[PARTS[part]] for part in parts},
        _golden(tensors[GOLDEN], info, path),
        known,
        replay,
        reference,
        members.get(GRAPH),
    )


def _known(info: BundleInfo, tensors: Mapping[str, Tensors]) -> Known:
    if PARTS["head"] not in tensors:
        return Known()
    dimensions = Head.restored(tensors[PARTS["head"]], info.recipe).dimensions
    return Known.of_arrays(tensors.get(EMBEDDINGS, {}), dimensions)


def _reference(info: BundleInfo, tensors: Mapping[str, Tensors]) -> Reference | None:
    if REFERENCE not in tensors:
        return None
    reference = Reference.restored(tensors[REFERENCE])
    rate = info.recipe.audio.sample_rate_hz
    if reference.sample_rate_hz != rate:
        raise ValueError(f"its reference is at {reference.sample_rate_hz} Hz, its recipe at {rate}")
    return reference


def read_scoring_bundle(path: Path) -> ScoringBundle:
    """Read what scoring by the graph takes, and check that; ``BundleError`` as ``read_bundle``.

    Weights and replay set may be many times its size, and are left unread.
    """
    members, content, identity = _checked(path, {INFO, PARTS["head"], GOLDEN, GRAPH})
    info = _info(content, path)
    head = None
    if info.recipe.baseline is None:
        if PARTS["head"] not in members:
            raise _damaged(path, "it holds no head")
        head = _tensors(members[PARTS["head"]], path)
    golden = _golden(_tensors(members[GOLDEN], path), info, path)
    return ScoringBundle(info, head, golden, members.get(GRAPH), identity)


def _parts(info: BundleInfo, members: Collection[str], path: Path) -> tuple[str, ...]:
    """Name the parts that a bundle of that recipe holds; it must hold them and no other."""
    parts = NETWORK_PARTS if info.recipe.baseline is None else BASELINE_PARTS
    there = {part for part, name in PARTS.items() if name in members}
    if there != set(parts):
        raise _damaged(path, f"by its recipe it holds {' and '.join(parts)}, not {sorted(there)}")
    return parts


def _tensors(member: bytes, path: Path) -> Tensors:
    try:
        return load_tensors(member)
    # KeyError: a type of number that numpy lacks.
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, f"its tensors cannot be read ({error})") from None


def _golden(tensors: Tensors, info: BundleInfo, path: Path) -> GoldenClips:
    golden = tuple(tensors[name] for name in sorted(tensors))
    kinds = {(clip.dtype.name, clip.ndim, clip.size > 0) for clip in golden}
    if len(golden) != len(info.golden) or kinds - {("int16", 1, True)}:
        raise BundleError(f"{path}: its stored clips are not those that it states scores of")
    return golden


def _checked(path: Path, wanted: Collection[str]) -> tuple[dict[str, bytes], dict[str, Any], str]:
    """Read the members wanted as far as they are there, what ``bundle.json`` says, the identity.

    That comes first: a bundle of another schema has other members, and is not damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            content = _content_of(file, path)
            names = _names(file, path)
            members = {name: _member(file, name, path) for name in names if name in wanted}
    except FileNotFoundError:
        raise BundleError(
            f"there is no bundle {path}; train a detector first", argument="bundle"
        ) from None
    except IsADirectoryError:
        raise BundleError(f"{path} is a folder; give a .rattle file in it") from None
    # Python's zip reader raises all of these for damaged directories and headers.
    except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError) as error:
        raise BundleError(
            f"{path} is not a whole rattle bundle ({error}); copy it again or train again"
        ) from None
    identity = _check_hashes(content, members, names, path)
    return members, content, identity


def _info(content: dict[str, Any], path: Path) -> BundleInfo:
    try:
        return BundleInfo.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"]) or "content"
        raise _damaged(path, f"{INFO}: {key}: {first['msg']}") from None


def _names(file: zipfile.ZipFile, path: Path) -> list[str]:
    names = file.namelist()
    if len(set(names)) < len(names) or not {INFO, GOLDEN} <= set(names) <= set(BOUNDS):
        raise _damaged(path, f"it holds other members than {', '.join(BOUNDS)}")
    return names


def _member(file: zipfile.ZipFile, name: str, path: Path) -> bytes:
    if file.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise _damaged(path, f"{name} is compressed, which no bundle's member is")
    with file.open(name) as stream:
        data = stream.read(BOUNDS[name] + 1)
    if len(data) > BOUNDS[name]:
        raise _damaged(path, f"{name} is larger than any bundle's")
    return data


def _content_of(file: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    if INFO not in file.namelist():
        raise _damaged(path, f"it holds other members than {', '.join(BOUNDS)}")
    data = _member(file, INFO, path)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise _damaged(path, f"{INFO} is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != "rattle-bundle":
        raise _damaged(path, f"{INFO} does not describe a rattle bundle")
    version = content.get("schema_version")
    if version not in READ_VERSIONS:
        raise BundleError(
            f"{path} has bundle schema {version!r}, this rattle reads schemas "
            f"{' and '.join(map(str, READ_VERSIONS))}; train the detector again, or use the "
            "version of rattle that wrote the bundle"
        )
    return content


def _check_hashes(
    content: dict[str, Any], members: dict[str, bytes], names: Collection[str], path: Path
) -> str:
    """Compare every hash, and take them out of ``content``; the rest is ``BundleInfo``.

    Gives the identity: the hash of the content that it would have without the graph.
    """
    if content.pop("hash", None) != _content_hash(content):
        raise _damaged(path, f"{INFO} was altered: its hash does not fit")
    hashes = content.pop("members", None)
    if not isinstance(hashes, dict) or {INFO, *hashes} != set(names):
        raise _damaged(path, "a member is missing or was added")
    for name, data in members.items():
        if name != INFO and hashes[name] != _sha256(data):
            raise _damaged(path, f"{name} was altered: its hash does not fit")
    others = {name: hash_ for name, hash_ in hashes.items() if name != GRAPH}
    return _content_hash({**content, "members": others})


def _content_hash(content: dict[str, Any]) -> str:
    bare = {key: value for key, value in content.items() if key != "hash"}
    return _sha256(json.dumps(bare, sort_keys=True).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _damaged(path: Path, reason: str) -> BundleError:
    return BundleError(f"{path} is damaged: {reason}; copy it again or train again")
