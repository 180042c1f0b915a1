"""Calls from many threads at once give what the same calls give one after the other, to the bit."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import PIL.Image
import pytest
from numba.np.ufunc import parallel

import siftcore
from siftcore.kernels._threads import thread_count
from siftcore.scalespace import stacks
from tests.safety.digests import digest, extracted, images, matched

N_THREADS = 8


@pytest.fixture(autouse=True)
def busy_switching() -> Iterator[None]:
    """Threads take turns far more often than they usually do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(calls: list[Any]) -> list[Any]:
    """The results of all, begun at once on as many threads as there are."""
    barrier = threading.Barrier(N_THREADS)

    def first(call: Any) -> Any:
        barrier.wait(60)
        return call()

    with ThreadPoolExecutor(N_THREADS) as pool:
        begun = [pool.submit(first, call) for call in calls[:N_THREADS]]
        rest = [pool.submit(call) for call in calls[N_THREADS:]]
        return [future.result(120) for future in begun + rest]


@pytest.mark.parametrize("name", ["dog", "bicubic-x2"])
@pytest.mark.parametrize("shared", [True, False], ids=["one provider", "a provider each"])
def test_extract(name: str, shared: bool) -> None:
    one = siftcore.get_provider(name)
    wanted = [extracted(image, name) for image in images()] * 2

    def call(image: np.ndarray) -> Any:
        return lambda: extracted(image, one if shared else siftcore.get_provider(name))

    assert together([call(image) for image in images() * 2]) == wanted


def test_a_network() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    provider = siftcore.get_provider("method3-x2-tiny", device="cpu")
    small = [image[:60, :70] for image in images()[:4]]
    wanted = [extracted(image, provider) for image in small] * 2
    assert together([lambda i=i: extracted(i, provider) for i in small * 2]) == wanted


def test_a_lock_of_numba_that_is_never_given_back() -> None:
    """As an interrupt of `numba.get_num_threads` leaves it: its owner goes on, all others wait."""
    numba.get_num_threads()
    wanted = extracted(images()[0])
    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(extracted(images()[0])), daemon=True)
    with parallel._backend_init_process_lock:
        other.start()
        other.join(60)
        assert found == [wanted]


@pytest.mark.parametrize("count", [1, numba.config.NUMBA_NUM_THREADS])
def test_a_thread_s_own_setting_of_numba_is_read(count: int) -> None:
    def asked() -> int:
        numba.set_num_threads(count)
        return thread_count()

    assert together([asked] * N_THREADS) == [count] * N_THREADS


def test_match() -> None:
    pytest.importorskip("poselib")
    pairs = [(image, np.rot90(image)) for image in images()[:4]]
    wanted = [matched(*pair) for pair in pairs] * 4
    assert together([lambda p=p: matched(*p) for p in pairs * 4]) == wanted


def test_matching_of_the_same_features() -> None:
    features = [siftcore.extract(image) for image in images()[:3]]
    pairs = [(a, b) for a in features for b in features]

    def call(a: siftcore.Features, b: siftcore.Features) -> bytes:
        found = siftcore.match_features(a, b)
        return found.indices.tobytes() + found.distance.tobytes()

    wanted = [call(*pair) for pair in pairs] * 3
    assert together([lambda p=p: call(*p) for p in pairs * 3]) == wanted


def test_features_stay_while_other_calls_follow() -> None:
    """Levels lie in memory that is used again; nothing that is returned may look into it."""
    kept = [siftcore.extract(image) for image in images()]
    taken = [digest(features) for features in kept]

    def rounds() -> list[str]:
        mine = [siftcore.extract(image) for image in images()]
        before = [digest(features) for features in mine]
        for image in images():
            siftcore.extract(255 - image)
        assert [digest(features) for features in mine] == before
        return before

    assert together([rounds] * N_THREADS) == [taken] * N_THREADS
    assert [digest(features) for features in kept] == taken


def test_octaves_that_are_held_stay() -> None:
    image = siftcore.load_image(images()[0])
    space = siftcore.get_provider("dog").build(image, siftcore.SiftParams())
    held = list(space)
    copies = [octave.gaussians.copy() for octave in held]
    together([lambda i=i: extracted(i) for i in images() * 4])
    for octave, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(octave.gaussians, copy)


def test_memory_of_levels_is_never_handed_out_twice() -> None:
    """Each thread fills what it got with its own number and looks whether it stays."""
    gc.collect()
    stacks.forget()
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 3000, (N_THREADS, 200))

    def fill(k: int) -> None:
        held: list[tuple[np.ndarray, float]] = []
        for n in sizes[k]:
            stack = stacks.empty_stack((int(n),))
            value = float(k * 10_000 + len(held))
            stack[:] = value
            held.append((stack, value))
            if len(held) > 5:
                old, expected = held.pop(0)
                assert (old == expected).all()
        for stack, expected in held:
            assert (stack == expected).all()

    together([lambda k=k: fill(k) for k in range(N_THREADS)])
    gc.collect()
    waiting = [id(memory) for memory in stacks._spare]
    assert len(waiting) == len(set(waiting))
    places = sorted((m.samples.ctypes.data, m.samples.nbytes) for m in stacks._spare)
    for (start, n_bytes), (following, _) in itertools.pairwise(places):
        assert start + n_bytes <= following
    stacks.forget()


def test_files_read_together_leave_the_filters_of_warnings_alone(tmp_path) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(4)]
    for path in paths[:3]:
        PIL.Image.fromarray(images()[1]).save(path)
    paths[3].write_bytes(b"no image")
    filters = list(warnings.filters)
    wanted = extracted(images()[1])

    def call(path: Any) -> str:
        try:
            return extracted(path)
        except siftcore.ImageReadError:
            return "refused"

    assert together([lambda p=p: call(p) for p in paths * 6]) == ([wanted] * 3 + ["refused"]) * 6
    assert list(warnings.filters) == filters


def test_an_error_in_one_thread_leaves_the_others_alone() -> None:
    good, bad = images()[0], np.full((40, 40), np.nan)
    wanted = extracted(good)

    def refused() -> str:
        with pytest.raises(siftcore.InputError):
            siftcore.extract(bad)
        return "refused"

    calls = [lambda: extracted(good), refused] * N_THREADS
    assert together(calls) == [wanted, "refused"] * N_THREADS
