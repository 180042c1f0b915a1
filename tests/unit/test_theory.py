"""What the pages on theory state in numbers is what the code has."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

from siftcore.detection import PREFILTER, dog_weights
from siftcore.kernels import _gradient, descriptor, orientation, refine
from siftcore.kernels._blocks import BYTES, FLOATS
from siftcore.kernels._tiles import PANELS
from siftcore.params import ScaleSpaceParams, SiftParams
from siftcore.scalespace.gaussian import added_blur
from siftcore.scalespace.geometry import PAPER_SIGMAS, count_octaves, ladder_sigmas
from siftcore.scalespace.superres import upscale_bicubic
from siftcore.verification import _MINIMUM, DEFAULT_MAX_ERROR

THEORY = Path(__file__).resolve().parents[2] / "docs" / "theory"
DEFAULT = SiftParams()
SENTENCES = {
    "detection": [
        f"every offset is below {refine.MAX_OFFSET} in size",
        f"`max_refinements` = {DEFAULT.max_refinements} fits",
        f"|D| > {PREFILTER}",
        f"`edge_ratio` = {DEFAULT.edge_ratio:.0f} ",
    ],
    "orientation": [
        f"half-side {orientation.WINDOW_REACH:.0f} s",
        f"sigma = {DEFAULT.orientation_window} sigma, so "
        f"{orientation.WINDOW_REACH * DEFAULT.orientation_window} sigma",
        f"`n_orientation_bins` = {DEFAULT.n_orientation_bins}.",
        f"`orientation_peak_ratio` = {DEFAULT.orientation_peak_ratio} ",
        f"(`MAX_ANGLE_ERROR`, {_gradient.MAX_ANGLE_ERROR:.0e} rad)".replace("e-06", "e-6"),
    ],
    "descriptor": [
        f"below {descriptor.REACH}, a half-side of "
        f"{descriptor.REACH * DEFAULT.descriptor_cell} sigma",
        f"two cells, {descriptor.WINDOW * DEFAULT.descriptor_cell:.0f} sigma",
        f"`descriptor_clamp` = {DEFAULT.descriptor_clamp} ",
    ],
    "matching": [
        # Of either kind of processor, in siftcore.kernels._products.
        "12 rows of a with 32 of b in registers (6 with 16 without AVX-512)",
    ],
    "geometry": [
        f"| {DEFAULT_MAX_ERROR[geometry]:.0f} pixels | {_MINIMUM[geometry]} |"
        for geometry in ("homography", "fundamental")
    ],
}


def words(page: str) -> str:
    text = (THEORY / f"{page}.md").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("page", SENTENCES)
def test_the_pages_have_the_numbers_of_the_code(page: str) -> None:
    for sentence in SENTENCES[page]:
        assert sentence in words(page), sentence


def test_the_pages_have_the_numbers_that_they_spell_out() -> None:
    assert orientation.SMOOTHING_PASSES == 6
    assert "six passes" in words("orientation")
    assert PANELS * FLOATS.columns // FLOATS.lanes == PANELS * BYTES.columns // BYTES.lanes == 8
    assert "the largest of every eight columns" in words("matching")


def test_blocks_of_matching_are_of_one_of_the_two_sizes() -> None:
    for block in (BYTES, FLOATS):
        assert (block.rows, block.columns) in [(12, 32), (6, 16)]


def test_the_papers_sigmas_are_increments_of_lowes_ladder() -> None:
    ladder = ladder_sigmas(ScaleSpaceParams())
    steps = [added_blur(coarse, fine) for fine, coarse in itertools.pairwise(ladder[1:])]
    increments = [added_blur(1.6, 1.0), *steps]
    np.testing.assert_allclose(PAPER_SIGMAS, increments, atol=5e-5)
    assert round(increments[0], 3) == 1.249
    assert round(added_blur(1.6, 0.5), 3) == 1.52


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_weighing_the_dog_is_scaling_the_threshold(n: int) -> None:
    sigmas = ladder_sigmas(ScaleSpaceParams(n_scales_per_octave=n))
    scaled = (2 ** (1 / n) - 1) / (2 ** (1 / 3) - 1)
    np.testing.assert_allclose(1.0 / dog_weights(sigmas), scaled, rtol=1e-9)


@pytest.mark.parametrize("delta", [0.5, 1 / 3, 7.0])
def test_lowes_ladder_is_weighed_with_1_to_the_last_bit(delta: float) -> None:
    assert (dog_weights(delta * ladder_sigmas(ScaleSpaceParams())) == 1.0).all()


def test_the_dog_is_that_multiple_of_the_laplacian() -> None:
    sigma, k = 2.0, 1.001
    x = np.linspace(-8.0, 8.0, 101)
    squared = x[:, None] ** 2 + x**2

    def gaussian(s: float) -> np.ndarray:
        return np.exp(-squared / (2 * s * s)) / (2 * math.pi * s * s)

    laplacian = (squared / sigma**4 - 2 / sigma**2) * gaussian(sigma)
    dog = gaussian(k * sigma) - gaussian(sigma)
    np.testing.assert_allclose(dog, (k - 1) * sigma**2 * laplacian, atol=2e-3 * np.abs(dog).max())


@pytest.mark.parametrize("scale", [2, 4])
def test_bicubic_enlargement_reproduces_quadratic_functions(scale: int) -> None:
    def quadratic(x: np.ndarray) -> np.ndarray:
        return 0.1 + 0.03 * x + 0.002 * x**2

    pixels = np.arange(16.0)
    samples = (1 / scale - 1) / 2 + np.arange(16 * scale) / scale
    rows = np.repeat(quadratic(pixels)[None], 8, axis=0).astype(np.float32)
    inside = slice(2 * scale, -2 * scale)
    enlarged = upscale_bicubic(rows, scale)[4 * scale, inside]
    np.testing.assert_allclose(enlarged, quadratic(samples)[inside], atol=2e-6)


@pytest.mark.parametrize(("short_side", "octaves"), [(1535, 8), (1536, 9)])
def test_a_ninth_octave_begins_where_the_page_says(short_side: int, octaves: int) -> None:
    assert count_octaves(2 * short_side, DEFAULT) == octaves
    assert count_octaves(2 * short_side, SiftParams(n_octaves=8)) == 8
    assert "1536 pixels" in words("scale-space")
