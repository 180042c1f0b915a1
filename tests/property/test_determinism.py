"""Same input, same bytes out: on every run, in every process, for any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from tests.safety.digests import digest

Image = NDArray[np.uint8]
SCRIPT = """
import skimage.data
import siftcore
from tests.safety.digests import digest
print(digest(siftcore.extract(skimage.data.camera()[100:400, 80:440])))
"""


@pytest.fixture(scope="module")
def image(camera: Image) -> Image:
    return camera[100:400, 80:440]


@pytest.fixture
def keep_threads() -> Iterator[None]:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


def test_repeated_runs(image: Image) -> None:
    assert len({digest(siftcore.extract(image)) for _ in range(5)}) == 1


@pytest.mark.usefixtures("keep_threads")
def test_any_number_of_threads(image: Image) -> None:
    digests = set()
    for n in range(1, numba.config.NUMBA_NUM_THREADS + 1):
        numba.set_num_threads(n)
        digests.add(digest(siftcore.extract(image)))
    assert len(digests) == 1


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_process(image: Image, threads: int) -> None:
    # A machine with one core can still be told to use several threads.
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == digest(siftcore.extract(image))


def test_concurrent_callers(image: Image) -> None:
    other = np.ascontiguousarray(image[::-1])
    expected = [digest(siftcore.extract(each)) for each in (image, other)]
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(lambda k: digest(siftcore.extract((image, other)[k % 2])), range(8))
        )
    assert results == expected * 4


def test_matching(image: Image) -> None:
    features = siftcore.extract(image)
    turned = siftcore.extract(np.rot90(image))
    first, second = (siftcore.match_features(features, turned) for _ in range(2))
    np.testing.assert_array_equal(first.indices, second.indices)
    np.testing.assert_array_equal(first.distance, second.distance)


def test_layout_in_memory_does_not_matter(image: Image) -> None:
    assert not image.flags.c_contiguous
    wanted = digest(siftcore.extract(np.ascontiguousarray(image)))
    assert digest(siftcore.extract(image)) == wanted
    assert digest(siftcore.extract(np.asfortranarray(image))) == wanted
    assert digest(siftcore.extract(image[::-1, ::-1][::-1, ::-1])) == wanted
