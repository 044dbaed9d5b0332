"""The networks: published names and sizes, shapes, and blocks against plain torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, batch_norm, conv2d

from rattle.learning.networks import Network, build_network
from rattle.learning.networks.blocks import BasicBlock, Dropout, MelBandNorm
from rattle.learning.networks.resnet38 import ResNet38
from rattle.recipe import Recipe

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def norm(name: str) -> set[str]:
    return {f"{name}.{part}" for part in NORM}


def published_names() -> set[str]:
    """The encoder's weights in ResNet38_mAP=0.434.pth (Zenodo record 3987831)."""
    names = norm("bn0")
    blocks = ["conv_block1", "conv_block_after1"]
    for layer, count in enumerate([3, 4, 6, 3], start=1):
        blocks += [f"resnet.layer{layer}.{index}" for index in range(count)]
    for block in blocks:
        names |= {f"{block}.conv1.weight", f"{block}.conv2.weight"}
        names |= norm(f"{block}.bn1") | norm(f"{block}.bn2")
    for layer in (2, 3, 4):
        names |= {f"resnet.layer{layer}.0.downsample.1.weight"}
        names |= norm(f"resnet.layer{layer}.0.downsample.2")
    return names


@pytest.fixture(scope="module")
def resnet38() -> Network:
    """The paper's network without memory: shapes and names alone."""
    with torch.device("meta"):
        return build_network(Recipe.load("paper"))


def test_resnet38_with_its_head_has_the_published_number_of_parameters(resnet38) -> None:
    # 128 bands, no fc1, one logit.
    assert sum(part.numel() for part in resnet38.parameters()) == 68_509_249


def test_resnet38_names_its_weights_as_the_published_checkpoint(resnet38) -> None:
    assert set(resnet38.encoder.state_dict()) == published_names()


def test_resnet38_shrinks_a_window_32_fold_before_it_is_pooled(resnet38) -> None:
    shapes = {}
    for name in ("conv_block1", "resnet", "conv_block_after1"):
        resnet38.encoder.get_submodule(name).register_forward_hook(
            lambda _, __, maps, name=name: shapes.update({name: tuple(maps.shape)})
        )
    z, logits = resnet38(torch.empty(2, 256, 128, device="meta"))
    assert shapes == {
        "conv_block1": (2, 64, 256, 128),
        "resnet": (2, 512, 16, 8),
        "conv_block_after1": (2, 2048, 8, 4),
    }
    assert z.shape == (2, 2048)
    assert logits.shape == (2, 1)


def test_resnet38_takes_windows_down_to_32_frames_and_bands() -> None:
    with torch.device("meta"):
        assert ResNet38(32)(torch.empty(2, 32, 32)).shape == (2, 2048)
        with pytest.raises(RuntimeError):
            ResNet38(32)(torch.empty(2, 31, 32))


def test_the_convolutions_of_resnet38_have_no_bias_and_keep_their_size(resnet38) -> None:
    for part in resnet38.encoder.modules():
        if isinstance(part, nn.Conv2d):
            assert part.bias is None
            assert part.stride == (1, 1)
            assert part.padding == ((1, 1) if part.kernel_size == (3, 3) else (0, 0))


def test_a_block_of_resnet38_drops_a_tenth(resnet38) -> None:
    blocks = [part for part in resnet38.encoder.modules() if isinstance(part, BasicBlock)]
    assert [block.dropout.p for block in blocks] == [0.1] * 16
    assert resnet38.encoder.get_submodule("dropout").p == 0.2


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_dropout_drops_its_share_anywhere_and_scales_the_rest(p, layout) -> None:
    torch.manual_seed(0)
    x = torch.ones(31, 8, 9, 7).contiguous(memory_format=layout).requires_grad_()
    y = Dropout(p)(x)
    assert y.is_contiguous(memory_format=layout)
    dropped = (y == 0).double()
    count = x.numel()
    assert dropped.mean().item() == pytest.approx(p, abs=4 * (p * (1 - p) / count) ** 0.5)
    for axes in [(1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]:
        shares = dropped.mean(dim=axes)
        sigma = (p * (1 - p) * len(shares) / count) ** 0.5
        assert (shares - p).abs().max() < 5 * sigma
    torch.testing.assert_close(
        y[y != 0], torch.full_like(y[y != 0], 1 / (1 - p)), rtol=1e-4, atol=0
    )
    y.sum().backward()
    assert torch.equal(x.grad, y)


def test_dropout_follows_the_seed_and_sleeps_in_evaluation() -> None:
    x, layer = torch.randn(5, 4, 3, 3), Dropout(0.3)
    torch.manual_seed(1)
    one, other = layer(x), layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), one)
    assert not torch.equal(one, other)
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize("bands", [16, 40])
def test_the_norm_of_mel_bands_normalises_each_band_over_clips_and_time(bands: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 20, bands) * torch.arange(1, bands + 1) + 5
    y = MelBandNorm(bands)(x)
    assert y.shape == (3, 1, 20, bands)
    flat = y.squeeze(1).flatten(0, 1)
    torch.testing.assert_close(flat.mean(dim=0), torch.zeros(bands), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        flat.var(dim=0, unbiased=False), torch.ones(bands), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("affine", [False, True])
def test_the_norm_of_mel_bands_is_by_what_it_learnt_once_it_is_trained(affine: bool) -> None:
    torch.manual_seed(0)
    norm, x = MelBandNorm(16, affine=affine), 3 * torch.randn(3, 20, 16) + 5
    if affine:
        nn.init.uniform_(norm.weight)
        nn.init.uniform_(norm.bias)
    norm(x)
    expected = batch_norm(
        x.transpose(1, 2), norm.running_mean, norm.running_var, norm.weight, norm.bias
    )
    torch.testing.assert_close(norm.eval()(x), expected.transpose(1, 2).unsqueeze(1))


@pytest.mark.parametrize(
    ("inputs", "outputs", "halve"), [(4, 4, False), (4, 8, True), (4, 8, False)]
)
def test_a_block_is_two_convolutions_around_a_shortcut(inputs, outputs, halve) -> None:
    torch.manual_seed(0)
    block = BasicBlock(inputs, outputs, halve=halve, dropout=0.5).eval()
    nn.init.ones_(block.bn2.weight)
    x = torch.randn(2, inputs, 10, 6)
    weights = block.state_dict()

    def normed(y: Tensor, name: str) -> Tensor:
        return batch_norm(
            y,
            *(
                weights[f"{name}.{part}"]
                for part in ("running_mean", "running_var", "weight", "bias")
            ),
        )

    small = avg_pool2d(x, 2) if halve else x
    y = conv2d(small, weights["conv1.weight"], padding=1)
    y = conv2d(normed(y, "bn1").relu(), weights["conv2.weight"], padding=1)
    short = small
    if inputs != outputs:
        short = normed(conv2d(small, weights["downsample.1.weight"]), "downsample.2")
    torch.testing.assert_close(block(x), (normed(y, "bn2") + short).relu())


def test_a_fresh_block_passes_its_shortcut_on() -> None:
    block = BasicBlock(4, 4, halve=False, dropout=0.0)
    x = torch.rand(2, 4, 8, 8)
    torch.testing.assert_close(block(x), x)


def test_weights_are_xavier_uniform_and_biases_zero(tiny) -> None:
    torch.manual_seed(0)
    network = build_network(tiny.with_values(network={"channels": 32}))
    assert network.head is not None
    assert network.head.bias.item() == 0
    weight = network.encoder.get_parameter("stages.1.conv2.weight")
    outputs, inputs, *kernel = weight.shape
    bound = (6 / ((inputs + outputs) * kernel[0] * kernel[1])) ** 0.5
    assert weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    # Uniform: its deviation is the bound over the root of three.
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


@pytest.mark.parametrize(
    ("blocks", "channels", "dimensions"), [([1], 4, 4), ([1, 2], 4, 8), ([1, 1, 1], 6, 24)]
)
def test_a_small_networks_embedding_doubles_with_each_stage(tiny, blocks, channels, dimensions):
    recipe = tiny.with_values(network={"blocks": blocks, "channels": channels})
    network = build_network(recipe)
    z, logits = network(torch.randn(3, 32, 16))
    assert network.dimensions == dimensions
    assert z.shape == (3, dimensions)
    assert logits.shape == (3, 1)


@pytest.mark.parametrize(
    ("loss", "has_head"),
    [("bce", True), ("dsad", False), ("ddcsad", False), ("bce+dsad", True), ("bce+ddcsad", True)],
)
def test_only_a_loss_with_bce_has_a_head(tiny, loss: str, has_head: bool) -> None:
    network = build_network(tiny.with_values(loss={"name": loss}))
    assert (network(torch.randn(2, 32, 16))[1] is not None) == has_head
    assert any(name.startswith("head.") for name in network.state_dict()) == has_head


def test_the_same_generator_gives_the_same_weights(tiny) -> None:
    torch.manual_seed(3)
    one = build_network(tiny).state_dict()
    torch.manual_seed(3)
    other = build_network(tiny).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_level_of_a_band_does_not_reach_a_small_networks_embedding(tiny) -> None:
    # What bn0 is for: in training mode an offset and a gain of each band are normalised away.
    torch.manual_seed(0)
    network = build_network(tiny)
    x = torch.randn(4, 32, 16)
    gain, offset = torch.rand(16) + 0.5, torch.randn(16) * 30
    one, other = network.encoder(x), network.encoder(x * gain + offset)
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
