"""Mixup: windows and labels between two of a batch, by the same share."""

from __future__ import annotations

import numpy as np

from rattle.learning.mixup import mixed

RNG = np.random.default_rng(0)
LOG_MELS = RNG.normal(-30, 10, (6, 5, 4)).astype(np.float32)
SPECTRA = RNG.random((6, 8), dtype=np.float32)
LABELS = np.eye(6, dtype=np.float32)


def mix(seed: int = 1):
    (log_mels, spectra), labels = mixed((LOG_MELS, SPECTRA), LABELS, np.random.default_rng(seed))
    return log_mels, spectra, labels


def test_a_window_is_mixed_as_its_label_is() -> None:
    log_mels, spectra, labels = mix()
    # Labels are those of six classes, one window each: they tell partners and shares.
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(spectra, labels @ SPECTRA, rtol=1e-5)
    power = np.einsum("bw,wtm->btm", labels**2, 10 ** (LOG_MELS / 10))
    is_pair = (labels > 0).sum(axis=1) == 2
    assert is_pair.any()
    np.testing.assert_allclose(log_mels[is_pair], 10 * np.log10(power[is_pair]), atol=1e-3)
    assert {a.dtype for a in (log_mels, spectra, labels)} == {np.dtype(np.float32)}


def test_what_was_given_is_left_as_it_is() -> None:
    before = LOG_MELS.copy(), SPECTRA.copy(), LABELS.copy()
    mix()
    for now, then in zip((LOG_MELS, SPECTRA, LABELS), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_seed_mixes_alike_and_another_otherwise() -> None:
    np.testing.assert_array_equal(mix(1)[1], mix(1)[1])
    assert not np.array_equal(mix(1)[1], mix(2)[1])


def test_log_mels_alone_are_mixed_too() -> None:
    (log_mels,), _ = mixed((LOG_MELS,), LABELS, np.random.default_rng(1))
    np.testing.assert_array_equal(log_mels, mix(1)[0])


def test_shares_are_spread_evenly() -> None:
    labels = np.repeat(np.eye(2, dtype=np.float32), 500, axis=0)
    views = (np.zeros((1000, 1, 1), dtype=np.float32),)
    _, of = mixed(views, labels, np.random.default_rng(0))
    mixed_ones = of[(of[:, 0] > 0) & (of[:, 0] < 1), 0]
    # Half the partners are of the other class; within four standard errors of even quarters.
    assert 400 < len(mixed_ones) < 600
    counts, _ = np.histogram(mixed_ones, bins=4, range=(0, 1))
    assert np.abs(counts - len(mixed_ones) / 4).max() < 4 * (len(mixed_ones) * 3 / 16) ** 0.5
