"""`bench runtimes`: what is timed, and what is refused."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from bench.runtimes import run
from siftcore.errors import InputError


def test_every_program_is_timed() -> None:
    report = run(["method3-x2-tiny"], 32, 24, 1)
    (row,) = report.tables[0].rows
    name, single, half, other, *ratios = row
    assert name == "method3-x2-tiny"
    assert min(single, half, other) > 0.0
    assert ratios == [pytest.approx(half / single), pytest.approx(other / single)]


def test_a_name_without_weights_is_an_error() -> None:
    with pytest.raises(InputError, match="method9"):
        run(["method9"], 32, 24, 1)
