"""Every weight file gives the PSNR of its manifest, on the images kept back from training."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.convert import SMALLEST_SIDE
from dognets.data.cache import ImageCache
from dognets.pretrained import WEIGHTS_FOLDER, load_model, read_manifest
from dognets.training.validation import validate
from tests.dognets.conftest import SHARED

MOST_MEGABYTES = 40
TOLERANCE_DB = 0.02


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = Path(os.environ.get("SIFTCORE_TRAINING_IMAGES", SHARED / "train"))
    if not folder.is_dir():
        pytest.skip("needs the training images: SIFTCORE_TRAINING_IMAGES=FOLDER")
    return ImageCache.open(folder, SMALLEST_SIDE, tmp_path_factory.mktemp("cache"))


def test_manifest_and_files_agree():
    files = {path.name for path in WEIGHTS_FOLDER.glob("*.safetensors")}
    entries = read_manifest()
    assert set(entries) == files
    for file, entry in entries.items():
        assert entry.name == file.removesuffix(".safetensors")
        assert entry.command.startswith("dognets ")
        assert "/" not in entry.command, "where the data lay is nobody's business"
        assert entry.licence
        assert np.isfinite(entry.validation["psnr"]).all()


def test_all_weights_together_are_small():
    size = sum(path.stat().st_size for path in WEIGHTS_FOLDER.iterdir())
    assert size <= MOST_MEGABYTES * 1e6


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(read_manifest()))
def test_weights_give_the_psnr_of_their_manifest(images, file):
    model, entry = load_model(WEIGHTS_FOLDER / file)
    found = validate(model, images, images.split()[1], degradation=entry.degradation)
    np.testing.assert_allclose(found.predicted, entry.validation["psnr"], rtol=0, atol=TOLERANCE_DB)
    np.testing.assert_allclose(found.gain, entry.validation["gain"], rtol=0, atol=TOLERANCE_DB)
