"""Half precision, as GPUs use it, gives the same keypoints."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

import siftcore  # noqa: E402
from dognets.inference import Runner  # noqa: E402
from dognets.models import build_model  # noqa: E402
from dognets.pretrained import WEIGHTS_FOLDER, load_model  # noqa: E402

NAMES = sorted(path.stem for path in WEIGHTS_FOLDER.glob("*-x2.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_keypoints_stay_where_they_are(name: str) -> None:
    """At least 99 % within 0.1 pixel, for networks that are said to tolerate it."""
    model, _ = load_model(WEIGHTS_FOLDER / f"{name}.safetensors")
    if not model.tolerates_half:
        assert name.startswith("srgan")
        return
    image = data.camera()[100:190, 150:270]
    single = siftcore.extract(image, provider=siftcore.get_provider(name, precision="float32"))
    half = siftcore.extract(image, provider=siftcore.get_provider(name, precision="float16"))
    assert len(single) > 150
    distance = np.linalg.norm(single.xy[:, None] - half.xy[None], axis=2).min(axis=1)
    assert (distance <= 0.1).mean() >= 0.99


@pytest.mark.parametrize("architecture", ["method1", "method2", "edsr", "srcnn", "method3"])
def test_levels_are_not_rounded_to_half_precision(architecture: str) -> None:
    sizes = {
        "method1": {"channels": 8, "blocks": (1, 1, 1, 1)},
        "method2": {"channels": 8, "blocks": (1, 1, 1, 1, 1)},
        "edsr": {"channels": 8, "blocks": 1},
        "method3": {"channels": 8, "depth": 2},
    }
    torch.manual_seed(0)
    model = build_model(architecture, 2, **sizes.get(architecture, {}))
    result = Runner(model, "cpu", "float16")(np.random.default_rng(0).random((24, 24), np.float32))
    rounded = result.astype(np.float16).astype(np.float32)
    assert result.dtype == np.float32
    assert (rounded != result).mean() > 0.9
