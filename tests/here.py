"""What a machine may lack: a test that needs it is skipped there, and fails in CI."""

from __future__ import annotations

import os
import shutil

import pytest

# CI installs what real tests need (.ci/run): a skip there would hide that nothing was tried.
IN_CI = "CI" in os.environ

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None and not IN_CI, reason="ffmpeg is not installed here"
)


def lacking(what: str) -> None:
    """Skip the test for want of something, or fail it in CI."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)
