"""glue-factory's cached features, checked with bare h5py."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from siftcore.errors import InputError
from siftcore.io.glue_factory import read_glue_factory, write_glue_factory
from tests.interop.test_kornia import make


@pytest.mark.parametrize("n", [0, 9])
def test_layout_and_round_trip(tmp_path, n):
    features = make(n)
    write_glue_factory(tmp_path / "f.h5", {"scene/1.jpg": features})
    with h5py.File(tmp_path / "f.h5") as file:
        arrays = {key: value[()] for key, value in file["scene/1.jpg"].items()}
    assert set(arrays) == {"keypoints", "descriptors", "scales", "oris", "keypoint_scores"}
    assert arrays["keypoints"].dtype == np.float32
    assert arrays["descriptors"].shape == (n, 128)
    np.testing.assert_array_equal(arrays["oris"], features.angle)
    back = read_glue_factory(tmp_path / "f.h5", "scene/1.jpg", (400, 300))
    for field in ("xy", "sigma", "angle", "response", "descriptors"):
        np.testing.assert_array_equal(getattr(back, field), getattr(features, field))


def test_bad_files(tmp_path):
    path = tmp_path / "f.h5"
    with pytest.raises(InputError, match="no such file"):
        read_glue_factory(path, "a", (4, 3))
    write_glue_factory(path, {"a": make()})
    with pytest.raises(InputError, match="no image"):
        read_glue_factory(path, "b", (4, 3))
    with h5py.File(path, "a") as file:
        turned = file["a/descriptors"][()].T
        del file["a/descriptors"]
    with pytest.raises(InputError, match="lacks descriptors"):
        read_glue_factory(path, "a", (4, 3))
    with h5py.File(path, "a") as file:
        file["a/descriptors"] = turned
    with pytest.raises(InputError, match="got \\(128, 9\\)"):
        read_glue_factory(path, "a", (4, 3))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="damaged"):
        read_glue_factory(path, "a", (4, 3))
