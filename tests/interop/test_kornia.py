"""Frames and LightGlue's input, through the real kornia."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import siftcore
from siftcore.descriptor_layouts import kornia_floats, unit_from_kornia
from siftcore.errors import InputError
from siftcore.io.kornia import from_kornia, to_kornia
from siftcore.io.lightglue import from_lightglue, to_lightglue
from siftcore.types import Features

torch = pytest.importorskip("torch")
kornia = pytest.importorskip("kornia.feature")


def make(n=9):
    rng = np.random.default_rng(0)
    return Features(
        rng.uniform(0, 300, (n, 2)),
        rng.uniform(1, 9, n),
        rng.uniform(0, 6.28, n),
        rng.uniform(0, 1, n),
        np.zeros(n),
        np.zeros(n),
        rng.random((n, 128)),
        (400, 300),
        "dog",
    )


def test_frames_are_those_of_kornia():
    features = make()
    lafs, _, _ = to_kornia(features)
    assert lafs.dtype == torch.float32
    made = kornia.laf_from_center_scale_ori(
        torch.tensor(features.xy)[None],
        torch.tensor(6 * features.sigma)[None, :, None, None],
        -torch.rad2deg(torch.tensor(features.angle))[None, :, None],
    )
    torch.testing.assert_close(lafs, made, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(kornia.get_laf_center(lafs)[0], features.xy)
    np.testing.assert_allclose(
        kornia.get_laf_scale(lafs).numpy().ravel(), 6 * features.sigma, rtol=1e-5
    )


def test_padding_is_dropped_wherever_it_stands_and_upright_frames_stay():
    features = make(9)
    upright = replace(features, angle=np.zeros(9, np.float32))
    lafs, responses, descriptors = (tensor.clone() for tensor in to_kornia(upright))
    lafs[:, 3:5] = 0.0
    back = from_kornia(lafs, responses, descriptors, image_size=(400, 300))
    kept = np.delete(np.arange(9), (3, 4))
    np.testing.assert_array_equal(back.xy, features.xy[kept])
    np.testing.assert_array_equal(back.response, features.response[kept])
    np.testing.assert_array_equal(back.descriptors, features.descriptors[kept])


def test_lightglues_root_sift_has_no_zeros():
    sift = np.zeros((2, 128), np.float32)
    sift[0, :4] = 0.5
    sift[1, 5] = 1.0
    features = replace(make(2), descriptors=sift)
    # Of LightGlue's code: L1 norm 1, at least 1e-6, root, L2 norm 1.
    root = np.sqrt(np.maximum(sift / sift.sum(axis=1, keepdims=True), 1e-6))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    found = to_lightglue(features)["descriptors"][0].numpy()
    np.testing.assert_allclose(found, root, rtol=1e-5)


@pytest.mark.parametrize("n", [0, 9])
def test_there_and_back(n):
    features = make(n)
    for back in (
        from_kornia(*to_kornia(features), image_size=(400, 300)),
        from_lightglue(to_lightglue(features, descriptor="rootsift")),
    ):
        np.testing.assert_array_equal(back.xy, features.xy)
        np.testing.assert_allclose(back.sigma, features.sigma, rtol=1e-5)
        np.testing.assert_allclose(back.angle, features.angle, atol=1e-5)
        np.testing.assert_array_equal(back.response, features.response)
        assert back.image_size == (400, 300)


@pytest.mark.parametrize("n", [0, 9])
def test_lightglue_takes_them(n):
    model = kornia.LightGlue(None, input_dim=128, add_scale_ori=True, n_layers=2).eval()
    data = to_lightglue(make(n))
    assert data["descriptors"].shape == (1, n, 128)
    norm = data["descriptors"].norm(dim=-1)
    torch.testing.assert_close(norm, torch.ones_like(norm))
    with torch.no_grad():
        out = model({"image0": data, "image1": to_lightglue(make(5))})
    assert out["matches0"].shape == (1, n)


def test_kornias_descriptors_of_our_frames_are_ours(camera):
    features = siftcore.extract(camera, max_keypoints=200)
    lafs, _, _ = to_kornia(features)
    grey = torch.from_numpy(siftcore.load_image(camera))[None, None]
    describe = kornia.LAFDescriptor(
        kornia.SIFTDescriptor(41, rootsift=False), 41, grayscale_descriptor=True
    )
    with torch.no_grad():
        theirs = describe(grey, lafs)[0].numpy()
    cosines = (unit_from_kornia(theirs) * features.descriptors).sum(axis=1)
    # Its window and its interpolation differ.
    assert np.median(cosines) > 0.85
    np.testing.assert_allclose(
        unit_from_kornia(kornia_floats(features.descriptors)), features.descriptors, atol=1e-6
    )


def test_wrong_shapes():
    lafs, responses, descriptors = to_kornia(make())
    with pytest.raises(InputError, match="slice a batch"):
        from_kornia(lafs, responses, descriptors.transpose(1, 2), (4, 3))
    data = to_lightglue(make())
    with pytest.raises(InputError, match="scales"):
        from_lightglue({key: value for key, value in data.items() if key != "scales"})


def test_any_angle_comes_out_below_a_full_turn():
    data = to_lightglue(make(3), descriptor="rootsift")
    # As float32, the first is a full turn once it is made positive.
    data["oris"][0] = torch.tensor([-1e-9, -np.pi / 2, 7.0])
    angle = from_lightglue(data).angle
    assert ((angle >= 0) & (angle < np.float32(2 * np.pi))).all()
    np.testing.assert_allclose(angle, [0, 1.5 * np.pi, 7 - 2 * np.pi], atol=1e-6)


@pytest.mark.parametrize("name", ["keypoints", "oris", "descriptors", "keypoint_scores"])
def test_values_that_are_not_finite_are_refused(name):
    data = to_lightglue(make(3))
    data[name].view(-1)[1] = float("nan")
    with pytest.raises(InputError, match="finite"):
        from_lightglue(data)
    frames = [tensor.clone() for tensor in to_kornia(make(3))]
    frames[0 if name in ("keypoints", "oris") else -1].view(-1)[2] = float("inf")
    with pytest.raises(InputError, match="finite"):
        from_kornia(*frames, image_size=(400, 300))
