"""Where a network runs and in what precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rattle.errors import TrainingError
from rattle.learning import device as module
from rattle.learning.device import Placement, place
from rattle.learning.networks import build_network

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("asked", "has_it", "given"),
    [
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
        ("bfloat16", False, torch.bfloat16),
        ("float32", True, torch.float32),
    ],
)
def test_auto_takes_bfloat16_where_the_hardware_computes_in_it(
    monkeypatch, asked: str, has_it: bool, given: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_it)
    assert place("cpu", asked) == Placement(CPU, given)


def test_auto_takes_the_cpu_where_there_is_no_cuda(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert place("auto", "float32") == Placement(CPU, torch.float32)


def test_a_device_that_is_not_there_is_refused_with_what_to_use() -> None:
    devices = ["abacus", "cpu:x"]
    if not torch.cuda.is_available():
        devices.append("cuda")
    for device in devices:
        with pytest.raises(TrainingError, match=f"'{device}' cannot be used .*use cpu or auto"):
            place(device)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_convolutions_run_in_the_precision_of_the_placement(tiny, precision) -> None:
    placement = Placement(CPU, precision)
    network = build_network(tiny).eval()
    seen = []
    network.encoder.get_submodule("stages.1.conv1").register_forward_hook(
        lambda _, __, maps: seen.append(maps.dtype)
    )
    windows = placement.put(np.zeros((2, 32, 16), dtype=np.float32))
    with torch.inference_mode(), placement.autocast():
        network(windows)
    assert seen == [precision]
    # The weights themselves stay as they are.
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_placed_network_computes_what_it_did(tiny, cpu) -> None:
    network = build_network(tiny).eval()
    x = torch.randn(2, 32, 16)
    with torch.inference_mode():
        before = network.encoder(x)
        assert cpu.network(network) is network
        torch.testing.assert_close(network.encoder(x), before)
    weight = network.encoder.get_parameter("stages.1.conv1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_rules_for_a_gpu_ask_the_gpu(monkeypatch) -> None:
    asked = []

    def supported(including_emulation: bool) -> bool:
        asked.append(including_emulation)
        return True

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert module._computes_in_bfloat16(torch.device("cuda"))
    assert asked == [False]
    assert not module._computes_in_bfloat16(torch.device("meta"))


def test_repeatable_algorithms_are_asked_for_on_cuda_alone_and_while_it_lasts(monkeypatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    cuda = Placement(torch.device("cuda"), torch.float32)
    enabled = torch.are_deterministic_algorithms_enabled
    for placement, wanted, expected in [
        (cuda, True, True),
        (cuda, False, False),
        (Placement(CPU, torch.float32), True, False),
    ]:
        with placement.repeatable(wanted):
            assert enabled() == expected
        assert not enabled()
    with pytest.raises(ZeroDivisionError), cuda.repeatable(True):
        _ = 1 / 0
    assert not enabled()


def test_a_core_is_spared_on_a_cpu_if_wanted_and_while_it_lasts(cpu: Placement) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with cpu.sparing_a_core(wanted=True):
            assert torch.get_num_threads() == 2
        with cpu.sparing_a_core(wanted=False):
            assert torch.get_num_threads() == 3
        with Placement(torch.device("cuda"), torch.float32).sparing_a_core(wanted=True):
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 3
        torch.set_num_threads(1)
        with cpu.sparing_a_core(wanted=True):
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
