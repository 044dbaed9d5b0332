"""Bundles that are damaged, each by its number alone and the whole bundles it is made from.

What happens to files by accident, and what someone does to them who makes the hashes fit again.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from safetensors.numpy import load, save

from rattle.bundle.file import (
    BOUNDS,
    EMBEDDINGS,
    GOLDEN,
    GRAPH,
    INFO,
    PARTS,
    REFERENCE,
    REPLAY,
)

ENCODER, HEAD, BASELINE = PARTS.values()

Rng = np.random.Generator
Members = dict[str, bytes]
SEED = 21

ODD_VALUES = (
    0, -1, 1, 2, 10**4, 10**6, 10**9, 2**31, 2**63, 10**400, 0.0, -0.5, 1e-300, 1e300, 0.999, True,
    None, "", "x", "1e400", "../../escaped", "x" * 10_000, [], [1], [10**9], {}, {"name": "small"},
)  # fmt: skip
# Numbers of a recipe by which its reader takes memory or time.
COSTLY = (
    ("features", "mel_bands"),
    ("features", "fft_samples"),
    ("features", "hop_samples"),
    ("features", "window_frames"),
    ("network", "channels"),
    ("network", "blocks"),
    ("network", "stem_stride"),
    ("scoring", "windows"),
    ("scoring", "timeline_seconds"),
    ("scoring", "long_clip_seconds"),
    ("audio", "sample_rate_hz"),
    ("audio", "channel"),
    ("training", "normals_per_batch"),
    ("baseline", "frames"),
    ("baseline", "hidden"),
    ("baseline", "bottleneck"),
    ("baseline", "components"),
    ("baseline", "coefficients"),
    ("baseline", "neighbours"),
)
LARGE = (10**3, 10**4, 10**5, 10**6, 10**8, 10**9, 2**31, 2**62)
FOREIGN = ("../../escaped", "/escaped", "notes.txt", "..\\escaped", "model.pkl", "a/" * 500, "")


@dataclass(frozen=True)
class Damaged:
    """``content`` of a bundle; ``is_refused`` where no reader may take it for whole."""

    content: bytes
    how: str
    is_refused: bool = False


def damaged(case: int, wholes: Sequence[bytes]) -> Damaged:
    """The damaged bundle of that number, made from one of ``wholes``."""
    rng = np.random.default_rng([SEED, case])
    whole = wholes[int(rng.integers(len(wholes)))]
    return KINDS[int(rng.integers(len(KINDS)))](rng, whole)


def members_of(whole: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        return {name: file.read(name) for name in file.namelist()}


def sealed(members: Members, content: dict[str, Any] | None = None) -> bytes:
    """A bundle with these members, and with the hashes that fit them and the content."""
    content = json.loads(members[INFO]) if content is None else content
    content = {key: value for key, value in content.items() if key not in ("hash", "members")}
    content["members"] = {
        name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != INFO
    }
    text = json.dumps(content, sort_keys=True)
    content["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return zipped([*(members | {INFO: json.dumps(content).encode()}).items()])


def zipped(members: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


# By accident


def _truncated(rng: Rng, whole: bytes) -> Damaged:
    length = int(rng.integers(len(whole)))
    return Damaged(whole[:length], f"cut to {length} bytes", is_refused=True)


def _flipped(rng: Rng, whole: bytes) -> Damaged:
    data = bytearray(whole)
    first = int(rng.integers(len(data))) if rng.random() < 0.5 else whole.rindex(b"PK\x01\x02")
    for place in rng.integers(first, len(data), int(rng.integers(1, 20))):
        data[place] ^= 1 << int(rng.integers(8))
    return Damaged(bytes(data), f"bits flipped from byte {first} on")


# In the zip


def _shuffled(rng: Rng, whole: bytes) -> Damaged:
    """Members under each other's names, missing, there twice, foreign or compressed."""
    members = [*members_of(whole).items()]
    what = int(rng.integers(5))
    if what == 0:
        names = [name for name, _ in members]
        turned = names[1:] + names[:1]
        swapped = zip(turned, (data for _, data in members), strict=True)
        return Damaged(zipped([*swapped]), "members swapped", is_refused=True)
    if what == 1:
        name, _ = members.pop(int(rng.integers(len(members))))
        return Damaged(zipped(members), f"{name} missing", is_refused=True)
    if what == 2:
        name, data = members[int(rng.integers(len(members)))]
        return Damaged(zipped([*members, (name, data)]), f"{name} twice", is_refused=True)
    if what == 3:
        name = FOREIGN[int(rng.integers(len(FOREIGN)))]
        return Damaged(zipped([*members, (name, b"x")]), f"{name[:20]!r} added", is_refused=True)
    bomb = [(name, bytes(200 * 2**20) if name == GOLDEN else data) for name, data in members]
    content = zipped(bomb, zipfile.ZIP_DEFLATED)
    return Damaged(content, f"200 MiB of zeros in {len(content)} bytes", is_refused=True)


def _lying_directory(rng: Rng, whole: bytes) -> Damaged:
    """Sizes and places in zip's directory that are not what is there."""
    entries = list(_found(whole, b"PK\x01\x02"))
    # Method, checksum, sizes, lengths of names, and where the member begins.
    field, size = ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4))[
        int(rng.integers(8))
    ]
    place = entries[int(rng.integers(len(entries)))] + field
    number = (0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, len(whole))[int(rng.integers(5))]
    packed = struct.pack("<Q", number)[:size]
    content = whole[:place] + packed + whole[place + size :]
    return Damaged(content, f"{packed.hex()} at {field} of a directory entry")


def _found(data: bytes, what: bytes) -> Iterator[int]:
    place = data.find(what)
    while place >= 0:
        yield place
        place = data.find(what, place + 1)


# With hashes that fit


def _odd_content(rng: Rng, whole: bytes) -> Damaged:
    """Any value of bundle.json in place of another."""
    members = members_of(whole)
    content = json.loads(members[INFO])
    places = [*_leaves(content)]
    above, key = places[int(rng.integers(len(places)))]
    value = ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
    if rng.random() < 0.15:
        del above[key]
        return Damaged(sealed(members, content), f"without {key}")
    above[key] = value
    return Damaged(sealed(members, content), f"{key} is {str(value)[:30]}")


def _leaves(of: Any) -> Iterator[tuple[Any, Any]]:
    pairs = of.items() if isinstance(of, dict) else enumerate(of)
    for key, value in list(pairs):
        if isinstance(value, dict | list) and value:
            yield from _leaves(value)
        if key not in ("hash", "members"):
            yield of, key


def _costly_recipe(rng: Rng, whole: bytes) -> Damaged:
    """Numbers that ask for more memory or time than any recipe does."""
    members = members_of(whole)
    content = json.loads(members[INFO])
    known = [(part, key) for part, key in COSTLY if key in (content["recipe"].get(part) or {})]
    part, key = known[int(rng.integers(len(known)))]
    value: object = LARGE[int(rng.integers(len(LARGE)))]
    if key.endswith("seconds"):
        value = (1e-300, 1e-9, 1e9, 1e300)[int(rng.integers(4))]
    if key == "blocks":
        value = ([value], [1, value], [2] * 5, [10**4] * 5)[int(rng.integers(4))]
    content["recipe"][part][key] = value
    return Damaged(sealed(members, content), f"{part}.{key} is {value}")


def _odd_tensors(rng: Rng, whole: bytes) -> Damaged:
    """Values, shapes, types and names that a member should not have."""
    members = members_of(whole)
    tensor_members = (
        ENCODER,
        ENCODER,
        HEAD,
        BASELINE,
        BASELINE,
        GOLDEN,
        EMBEDDINGS,
        REFERENCE,
        REPLAY,
    )
    known = [name for name in tensor_members if name in members]
    member = known[int(rng.integers(len(known)))]
    tensors = load(members[member])
    names = sorted(tensors)
    name = names[int(rng.integers(len(names)))]
    what = int(rng.integers(6))
    is_nan = False
    if what == 0 and tensors[name].dtype.kind == "f":
        value = (np.nan, np.inf, 3e38, -1e30)[int(rng.integers(4))]
        with np.errstate(over="ignore"):
            tensors[name] = np.full_like(tensors[name], value)
        is_nan = not np.isfinite(tensors[name]).all()
        how = f"full of {value}"
    elif what == 1:
        tensors[name] = tensors[name].reshape(-1)[: max(tensors[name].size // 2, 1)]
        how = f"{tensors[name].shape}"
    elif what == 2:
        kind = (np.float64, np.float16, np.int8, np.uint64, np.bool_)[int(rng.integers(5))]
        with np.errstate(invalid="ignore", over="ignore"):
            tensors[name] = tensors[name].astype(kind)
        how = f"{np.dtype(kind)}"
    elif what == 3:
        tensors[f"{name}.more"] = tensors.pop(name)
        how = "under another name"
    elif what == 4:
        tensors[name] = tensors[name][..., :0]
        how = "empty"
    else:
        tensors[name] = np.broadcast_to(tensors[name], (3, *tensors[name].shape)).copy()
        how = "three times"
    members[member] = save(tensors)
    return Damaged(sealed(members), f"{member}: {name} {how}", is_refused=is_nan)


def _odd_header(rng: Rng, whole: bytes) -> Damaged:
    """A safetensors header that declares more than there is, or something else."""
    members = members_of(whole)
    tensor_members = (ENCODER, HEAD, BASELINE, GOLDEN, EMBEDDINGS, REFERENCE, REPLAY)
    known = [name for name in tensor_members if name in members]
    member = known[int(rng.integers(len(known)))]
    data = members[member]
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    name = sorted(header)[int(rng.integers(len(header)))]
    large = int((2**31, 2**40, 2**62, 2**63, 2**64 - 1)[int(rng.integers(5))])
    what = int(rng.integers(5))
    if what == 0:
        header[name]["shape"] = [large]
    elif what == 1:
        header[name]["shape"] = [large, large, large, 0]
    elif what == 2:
        header[name]["data_offsets"] = [0, large]
    elif what == 3:
        header[name]["dtype"] = ("BF16", "F8_E4M3", "I64", "none", "")[int(rng.integers(5))]
    text = json.dumps(header).encode()
    length = large if what == 4 else len(text)
    members[member] = struct.pack("<Q", length) + text + data[8 + len(text) :]
    return Damaged(sealed(members), f"{member}: {name} declared otherwise ({what}, {large})")


def _odd_graph(rng: Rng, whole: bytes) -> Damaged:
    """A graph that is damaged, of something else, or reaches for files and memory."""
    members = members_of(whole)
    graph = members.get(GRAPH, b"")
    what = int(rng.integers(7))
    if what == 0:
        graph, how = graph[: int(rng.integers(len(graph) + 1))], "cut"
    elif what in (1, 2):
        data = bytearray(graph)
        for place in rng.integers(max(len(data), 1), size=int(rng.integers(1, 30))):
            if data:
                data[place % len(data)] ^= 1 << int(rng.integers(8))
        graph, how = bytes(data), "with bits flipped"
    elif what == 3:
        path = ("/etc/passwd", "../../../etc/passwd", "pyproject.toml")[int(rng.integers(3))]
        graph, how = reaching_outside(path), f"with its numbers in {path}"
    elif what == 4:
        graph, how = greedy_graph(int(10 ** rng.integers(3, 8))), "that takes memory"
    elif what == 5:
        graph, how = rng.bytes(int(rng.integers(2000))), "of random bytes"
    else:
        graph, how = other_graph(("embeddings", "features")[: int(rng.integers(3))]), "odd"
    return Damaged(sealed(members | {GRAPH: graph}), f"a graph {how}")


def _graph(nodes: Any, outputs: Any, initialisers: Any = ()) -> bytes:
    inputs = [
        helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["t"]),
        helper.make_tensor_value_info("mean", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("deviation", TensorProto.FLOAT, []),
        helper.make_tensor_value_info("earlier", TensorProto.FLOAT, ["e", 32]),
        helper.make_tensor_value_info("frames", TensorProto.INT64, ["n", "w"]),
    ]
    graph = helper.make_graph(nodes, "odd", inputs, outputs, initialisers)
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    return bytes(model.SerializeToString())


def other_graph(names: Sequence[str]) -> bytes:
    """A graph with the inputs of a bundle's and outputs that are not what they should be."""
    nodes = [helper.make_node("Identity", ["samples"], [name]) for name in names]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["t"]) for name in names]
    return _graph(nodes, outputs)


def greedy_graph(side: int) -> bytes:
    """A graph that makes an array of side x side numbers of nothing."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [side, side])
    names = ("embeddings", "features")
    nodes = [helper.make_node("ConstantOfShape", ["shape"], [name]) for name in names]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", side]) for name in names
    ]
    return _graph(nodes, outputs, [shape])


def reaching_outside(location: str) -> bytes:
    """A graph whose numbers are in another file, as ONNX allows."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.UINT8, dims=[64])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "64")):
        tensor.external_data.add(key=key, value=value)
    names = ("embeddings", "features")
    nodes = [helper.make_node("Cast", ["w"], [name], to=TensorProto.FLOAT) for name in names]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [64]) for name in names]
    return _graph(nodes, outputs, [tensor])


KINDS = (
    _truncated,
    _flipped,
    _shuffled,
    _lying_directory,
    _odd_content,
    _odd_content,
    _costly_recipe,
    _costly_recipe,
    _odd_tensors,
    _odd_tensors,
    _odd_header,
    _odd_graph,
    _odd_graph,
)
assert set(BOUNDS) == {
    INFO,
    ENCODER,
    HEAD,
    BASELINE,
    GOLDEN,
    EMBEDDINGS,
    REFERENCE,
    REPLAY,
    GRAPH,
}
