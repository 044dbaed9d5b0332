"""Published weights: which are taken, which are listed, and that no file runs code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rattle.errors import TrainingError
from rattle.learning.networks import build_network
from rattle.learning.networks.resnet38 import ResNet38
from rattle.learning.pretrained import load_pretrained


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.fixture
def encoder(tiny) -> nn.Module:
    torch.manual_seed(0)
    return build_network(tiny).encoder


def other_weights(encoder: nn.Module) -> dict[str, Tensor]:
    return {name: torch.full_like(value, 3) for name, value in encoder.state_dict().items()}


def panns(encoder: ResNet38) -> dict[str, Tensor]:
    """The published ResNet38 by names and shapes: 64 bands, a front end and a classifier.

    A tensor is one number spread over its shape, so that the file is small.
    """
    shapes = {name: value.shape for name, value in encoder.state_dict().items()}
    shapes |= {name: torch.Size([64]) for name in shapes if name.startswith("bn0.")}
    shapes["bn0.num_batches_tracked"] = torch.Size([])
    shapes |= {
        "spectrogram_extractor.stft.conv_real.weight": torch.Size([513, 1, 1024]),
        "spectrogram_extractor.stft.conv_imag.weight": torch.Size([513, 1, 1024]),
        "logmel_extractor.melW": torch.Size([513, 64]),
        "fc1.weight": torch.Size([2048, 2048]),
        "fc1.bias": torch.Size([2048]),
        "fc_audioset.weight": torch.Size([527, 2048]),
        "fc_audioset.bias": torch.Size([527]),
    }
    return {
        name: torch.tensor([1.0 + place]).expand(shape) if shape else torch.tensor(place)
        for place, (name, shape) in enumerate(shapes.items())
    }


def test_the_published_resnet38_fills_all_but_the_norm_of_its_bands(tmp_path: Path) -> None:
    with torch.device("meta"):
        encoder = ResNet38(128)
    encoder.to_empty(device="cpu")
    theirs = panns(encoder)
    path = tmp_path / "ResNet38_mAP=0.434.pth"
    torch.save({"iteration": 600000, "model": theirs}, path)
    loaded = load_pretrained(encoder, path)
    assert loaded.skipped == {
        "bn0.weight": "is (64,), here (128,)",
        "bn0.bias": "is (64,), here (128,)",
        "bn0.running_mean": "is (64,), here (128,)",
        "bn0.running_var": "is (64,), here (128,)",
        "spectrogram_extractor.stft.conv_real.weight": "the encoder has no such weight",
        "spectrogram_extractor.stft.conv_imag.weight": "the encoder has no such weight",
        "logmel_extractor.melW": "the encoder has no such weight",
        "fc1.weight": "the encoder has no such weight",
        "fc1.bias": "the encoder has no such weight",
        "fc_audioset.weight": "the encoder has no such weight",
        "fc_audioset.bias": "the encoder has no such weight",
    }
    assert {*loaded.taken, *loaded.skipped} == set(theirs)
    own = encoder.state_dict()
    for name in loaded.taken:
        assert (own[name] == theirs[name].flatten()[0]).all(), name


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_weights_come_from_either_kind_of_file(tmp_path: Path, encoder, suffix: str) -> None:
    weights = other_weights(encoder)
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    loaded = load_pretrained(encoder, path)
    assert set(loaded.taken) == set(weights)
    assert loaded.skipped == {}
    assert all((value == 3).all() for value in encoder.state_dict().values())


def test_what_a_file_lacks_stays_as_it_was(tmp_path: Path, encoder) -> None:
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    path = tmp_path / "stem.safetensors"
    save_file({"stem.0.weight": torch.zeros_like(before["stem.0.weight"])}, path)
    assert load_pretrained(encoder, path).taken == ("stem.0.weight",)
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]) == (name != "stem.0.weight")


# PANNs' trainer stores its sampler too, in numpy arrays; numpy before 2.0 named itself otherwise.
@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_the_trainers_numpy_indices_beside_the_weights_are_no_obstacle(
    tmp_path: Path, encoder, module: bytes
) -> None:
    sampler = {"indexes_per_class": [np.arange(5), np.array([7, 3])], "queue": [1, 2]}
    path = tmp_path / "trainer.pth"
    torch.save(
        {"iteration": 3, "model": other_weights(encoder), "sampler": sampler},
        path,
        _use_new_zipfile_serialization=False,
    )
    stored = path.read_bytes()
    assert b"numpy._core.multiarray" in stored
    path.write_bytes(stored.replace(b"numpy._core.multiarray", module))
    assert load_pretrained(encoder, path).skipped == {}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_with_code_in_it_is_refused_and_its_code_not_run(
    tmp_path: Path, encoder, zipped: bool
) -> None:
    proof = tmp_path / "proof"
    path = tmp_path / "evil.pth"
    torch.save(
        {"model": other_weights(encoder), "extra": Malicious(proof)},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(TrainingError, match=r"evil\.pth \(.*could run code\)") as refused:
        load_pretrained(encoder, path)
    assert "can still be loaded" not in str(refused.value)
    assert not proof.exists()
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    # The trap is a real one: what does not care runs it.
    torch.load(path, weights_only=False)
    assert proof.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"text", None])
def test_a_file_that_holds_no_weights_is_refused_by_name(
    tmp_path: Path, encoder, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=name):
        load_pretrained(encoder, path)


def test_a_damaged_checkpoint_is_refused_wherever_it_is_damaged(tmp_path: Path, encoder) -> None:
    path = tmp_path / "damaged.pth"
    torch.save(
        {"stem.0.weight": encoder.state_dict()["stem.0.weight"]},
        path,
        _use_new_zipfile_serialization=False,
    )
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 23):
        path.write_bytes(whole[:length])
        with pytest.raises(TrainingError, match=r"damaged\.pth"):
            load_pretrained(encoder, path)


def test_weights_of_another_network_are_refused(tmp_path: Path, encoder) -> None:
    path = tmp_path / "other.safetensors"
    # A counter of the right name and shape is no weight that fits.
    save_file({"bn0.num_batches_tracked": torch.tensor(3), "x.weight": torch.ones(2)}, path)
    with pytest.raises(TrainingError, match=r"no weight in .*other\.safetensors fits"):
        load_pretrained(encoder, path)
