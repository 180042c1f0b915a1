"""Children of a process that has worked before: the same features to the bit, and no hang."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import threading
import time

import numpy as np
import pytest

import siftcore
import siftcore.approximate
from siftcore.kernels import _threads, _workers
from tests.safety.children import in_child
from tests.safety.digests import extracted, images, matched

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    # Python 3.12 warns of any fork of a process with threads; here it is what is tested.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]


def all_of(provider: str = "dog") -> list[str]:
    return [extracted(image, provider) for image in images()]


def match_all() -> list[str]:
    return [matched(image, np.rot90(image)) for image in images()[:3]]


def network() -> list[str]:
    provider = siftcore.get_provider("method3-x2-tiny", device="cpu")
    return [extracted(image[:60, :70], provider) for image in images()[:3]]


def approximate() -> list[bytes]:
    features = [siftcore.extract(image) for image in images()[:3]]
    before = siftcore.approximate._SMALL
    # Sets this small would be searched through without cells.
    siftcore.approximate._SMALL = 100
    try:
        found = [siftcore.match_features(features[0], f, approximate=True) for f in features]
    finally:
        siftcore.approximate._SMALL = before
    return [matches.indices.tobytes() for matches in found]


@pytest.mark.parametrize(
    ("method", "provider"), [("fork", "dog"), ("fork", "bicubic-x2"), ("spawn", "dog")]
)
def test_extract(method: str, provider: str) -> None:
    wanted = all_of(provider)
    assert in_child(method, all_of, provider) == wanted
    # And the parent goes on.
    assert all_of(provider) == wanted


def test_match() -> None:
    pytest.importorskip("poselib")
    wanted = match_all()
    assert in_child("fork", match_all) == wanted


def test_a_network() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    # Before the fork: OpenMP has its threads then, which the child has not.
    wanted = network()
    assert in_child("fork", network) == wanted
    assert network() == wanted


def test_approximate_matching() -> None:
    pytest.importorskip("faiss")
    wanted = approximate()
    assert in_child("fork", approximate) == wanted
    assert approximate() == wanted


def network_on_a_thread() -> list[str]:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [pool.submit(network).result(60) for _ in range(2)][-1]


def test_a_network_on_a_thread_of_a_child() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    wanted = network_on_a_thread()
    assert in_child("fork", network_on_a_thread) == wanted


def test_after_a_parallel_kernel_of_the_user() -> None:
    """Numba's own threads, which siftcore does not start, are left alone."""
    import numba

    @numba.njit(parallel=True)
    def total(values: np.ndarray) -> float:
        found = 0.0
        for i in numba.prange(len(values)):
            found += values[i]
        return found

    before = numba.get_num_threads()
    assert total(np.ones(100)) == 100
    wanted = all_of()
    assert in_child("fork", all_of) == wanted
    numba.set_num_threads(before)


def grandchild() -> list[str]:
    all_of()
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(all_of).result(60)


def test_a_child_of_a_child() -> None:
    wanted = all_of()
    context = multiprocessing.get_context("fork")
    # A daemon may have no children, so not `in_child`.
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(grandchild).result(120) == wanted


def test_a_pool_of_forks() -> None:
    wanted = all_of()
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
        found = list(pool.map(extracted, images() * 3, timeout=120))
    assert found == wanted * 3


def test_os_fork() -> None:
    wanted = all_of()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(writer, b"same" if all_of() == wanted else b"other")
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    try:
        assert waited_for(child) == 0
        assert os.read(reader, 10) == b"same"
    finally:
        os.close(reader)


def waited_for(child: int, seconds: float = 60.0) -> int | str:
    """Its exit code; it is killed if it hangs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "it hung"


def test_forks_while_other_threads_extract() -> None:
    """The child has none of those threads, and whatever they held is held for ever."""
    wanted = all_of()
    stop = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                assert all_of() == wanted
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = 0 if all_of() == wanted else 3
                finally:
                    os._exit(code)
            assert waited_for(child) == 0
            time.sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed


def test_a_child_starts_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine of one processor would start none.
    monkeypatch.setattr(_threads._inherited, "count", 2, raising=False)
    all_of()
    assert _workers.n_workers() > 0
    before, after = in_child("fork", counted_workers)
    assert before == 0
    assert after > 0


def counted_workers() -> list[int]:
    before = _workers.n_workers()
    all_of()
    return [before, _workers.n_workers()]
