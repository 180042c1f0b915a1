"""DoG PSNR on clean and on spoilt reductions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.errors import DataError
from dognets.evaluation import measure_dog_psnr
from siftcore.scalespace.enlarging import upscale_bicubic


@pytest.fixture
def images(photos):
    return [pixels.astype(np.float32) for pixels in photos.values()]


def bicubic(low):
    return upscale_bicubic(low, 2)[None]


def test_bicubic_gains_nothing_over_itself(images):
    for degradation in ("clean", "real"):
        found = measure_dog_psnr(bicubic, images, 2, degradation=degradation)
        np.testing.assert_array_equal(found.gain, 0)
        assert found.images == len(images)


def test_spoilt_images_are_harder_and_the_same_every_time(images):
    clean, spoilt, again = (
        measure_dog_psnr(bicubic, images, 2, degradation=d) for d in ("clean", "real", "real")
    )
    np.testing.assert_array_equal(spoilt.bicubic, again.bicubic)
    assert (spoilt.bicubic < clean.bicubic - 3).all()


def test_what_spoils_an_image_depends_on_its_place_alone(images):
    def reduced(*chosen):
        seen = []
        measure_dog_psnr(
            lambda low: seen.append(low) or bicubic(low), chosen, 2, degradation="real"
        )
        return seen

    first, second, third = images[:3]
    expected = reduced(first, second)
    np.testing.assert_array_equal(reduced(first)[0], expected[0])
    np.testing.assert_array_equal(reduced(third, second)[1], expected[1])
    assert not np.array_equal(reduced(second, first)[1], expected[0])


def test_images_of_one_grey_value_do_not_count(images):
    flat = [np.full((80, 96), value, np.float32) for value in (0, 99)]
    found = measure_dog_psnr(bicubic, [*images, *flat], 2)
    expected = measure_dog_psnr(bicubic, images, 2)
    assert found.images == len(images)
    np.testing.assert_array_equal(found.predicted, expected.predicted)
    for nothing in ([], flat):
        with pytest.raises(DataError, match="no image to judge by"):
            measure_dog_psnr(bicubic, nothing, 2)
