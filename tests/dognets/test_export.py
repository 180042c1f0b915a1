"""ONNX files give what the network gives, for any size."""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from dognets import export
from dognets.export import export_onnx
from dognets.models import build_model
from siftcore.errors import MissingDependencyError, OutputError
from tests.dognets.networks import small_model, stirred

# Exporting takes a while, so the second has one block: squeeze, excitation and blur are all there.
SIZES = {
    "method3": {"channels": 8, "depth": 2},
    "method1": {"channels": 4, "blocks": (1, 0, 0, 0)},
}


@pytest.mark.parametrize("name", SIZES)
def test_onnx_gives_what_torch_gives(tmp_path, name):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    model = stirred(build_model(name, 2, **SIZES[name])).eval()
    export_onnx(model, tmp_path / "net.onnx")
    assert os.listdir(tmp_path) == ["net.onnx"], "one file holds the weights too"
    session = runtime.InferenceSession(
        str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"]
    )
    assert [i.name for i in session.get_inputs()] == ["low"]
    assert [o.name for o in session.get_outputs()] == ["high"]
    for shape in ((2, 1, 24, 32), (1, 1, 41, 30), (3, 1, 16, 55)):
        low = np.random.default_rng(0).random(shape, np.float32)
        (found,) = session.run(None, {"low": low})
        with torch.no_grad():
            expected = model(torch.from_numpy(low)).numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_without_the_packages_the_extra_is_named(tmp_path, monkeypatch, missing):
    import importlib.util

    usual = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else usual(name)
    )
    with pytest.raises(MissingDependencyError, match=rf"{missing}.*siftcore\[onnx\]"):
        export_onnx(small_model("method3"), tmp_path / "net.onnx")


def test_a_bad_destination_is_told_before_the_work(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(export.torch.onnx, "export", lambda *_, **__: pytest.fail("worked in vain"))
    for path in (tmp_path / "gone" / "net.onnx", tmp_path):
        with pytest.raises(OutputError, match="cannot write"):
            export_onnx(small_model("method3"), path)
