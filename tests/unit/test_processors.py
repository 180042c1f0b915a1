"""The kernels ask for vectors: on lesser processors they have to give the same."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore.kernels._vectors import has_feature
from siftcore.kernels.nearest import nearest_two

PROGRAM = """
import sys
import numpy as np
import siftcore
from siftcore.kernels._vectors import has_feature
assert not has_feature("avx512f")
image = np.load(sys.argv[1])
a, b = (siftcore.extract(part) for part in (image, image[:, ::-1]))
matches = siftcore.match_features(a, b[::2], ratio=0.95, mutual=False).indices
np.savez(sys.argv[2], xy=a.xy, angle=a.angle, descriptors=a.descriptors, matches=matches)
"""


# Without AVX at all; with AVX2 but without AVX-512. Numba takes the features from the host, unless
# they are given: the name alone changes nothing.
AVX2 = "+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt"
PROCESSORS = {"generic": ""}
if platform.machine() in ("x86_64", "AMD64"):
    PROCESSORS["haswell"] = AVX2
    if has_feature("avx512bw"):
        PROCESSORS["skylake-avx512"] = AVX2 + ",+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"


def run(program: str, processor: str, path: Path, *arguments: str) -> None:
    changed = {"NUMBA_CPU_NAME": processor, "NUMBA_CACHE_DIR": str(path)}
    if PROCESSORS[processor]:
        changed["NUMBA_CPU_FEATURES"] = PROCESSORS[processor]
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env=os.environ | changed, cwd=path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("processor", [name for name in PROCESSORS if name != "skylake-avx512"])
def test_features_and_matches_do_not_depend_on_the_processor(
    processor: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(6)
    image = np.kron(rng.random((24, 32)), np.ones((8, 8)))
    image = np.rint(255 * image).astype(np.uint8)
    np.save(tmp_path / "image.npy", image)
    run(PROGRAM, processor, tmp_path, "image.npy", "found.npz")
    a, b = (siftcore.extract(part) for part in (image, image[:, ::-1]))
    assert len(a) > 300
    matches = siftcore.match_features(a, b[::2], ratio=0.95, mutual=False).indices
    with np.load(tmp_path / "found.npz") as found:
        np.testing.assert_allclose(found["xy"], a.xy, atol=1e-3)
        np.testing.assert_allclose(found["angle"], a.angle, atol=1e-3)
        np.testing.assert_allclose(found["descriptors"], a.descriptors, atol=1e-3)
        same = {tuple(row) for row in found["matches"]} & {tuple(row) for row in matches}
        assert len(same) > 0.98 * max(len(matches), len(found["matches"]), 1)
        assert len(matches) > 20


NEAREST = """
import sys
import numpy as np
from siftcore.kernels import _blocks
from siftcore.kernels._nearest_bytes import nearest_two_by_bytes
from siftcore.kernels.nearest import nearest_two
assert (_blocks.CODES.bits, _blocks.CODES.lanes) == (int(sys.argv[3]), int(sys.argv[4]))
found = {}
with np.load(sys.argv[1]) as sets:
    for name in {one[1:] for one in sets}:
        a, b = sets["a" + name], sets["b" + name]
        by_bytes = nearest_two_by_bytes(a, b)
        # Hundreds of equal rows are what bytes do not tell apart.
        assert (by_bytes is None) == (name == "alike"), name
        for how, nearest in (("bytes", by_bytes), ("chosen", nearest_two(a, b))):
            for part, values in zip(nearest._fields, nearest) if nearest else ():
                found[f"{name} {how} {part}"] = values
np.savez(sys.argv[2], **found)
"""


def sets_of_descriptors() -> dict[str, NDArray[np.float32]]:
    """Two sets of each kind, ``a`` and ``b`` before its name."""
    rng = np.random.default_rng(8)

    # Of few dimensions, as real ones: bytes do not tell apart what is equally far from everything.
    mixed = rng.gamma(0.6, 1.0, (8, 128))

    def random(n: int) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = rng.gamma(0.6, 1.0, (n, 8)) @ mixed
        return rows

    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in map(random, (700, 1500))]
    near = np.repeat(unit[0][:150], 6, axis=0)
    sets = {
        "unit": unit,
        "zero": [np.concatenate([rows, np.zeros((3, 128))]) for rows in unit],
        "duplicate": [unit[0], np.concatenate([unit[1], unit[0][::3], unit[1][:90]])],
        "near ties": [unit[0][:150], near + rng.normal(0.0, 1e-5, near.shape)],
        # The largest products that there are, of both signs.
        "extreme": [
            255.0 * (rng.random((n, 128)) < share) for n, share in ((600, 0.9), (520, 0.99))
        ],
        "negative": [rng.normal(0.0, 3e4, (n, 8)) for n in (90, 310)],
        "tiny": [1e-30 * rng.random((n, 5)) for n in (40, 90)],
        "alike": [np.ones((n, 16)) for n in (3000, 2900)],
    }
    return {
        side + name: np.ascontiguousarray(rows, np.float32)
        for name, both in sets.items()
        for side, rows in zip("ab", both, strict=True)
    }


@pytest.mark.parametrize(
    ("processor", "bits", "lanes"),
    [
        (name, *kind)
        for name, kind in {"haswell": (7, 8), "skylake-avx512": (7, 16)}.items()
        if name in PROCESSORS
    ],
)
def test_the_nearest_are_bit_for_bit_those_of_this_processor(
    processor: str, bits: int, lanes: int, tmp_path: Path
) -> None:
    sets = sets_of_descriptors()
    np.savez(tmp_path / "sets.npz", **sets)  # type: ignore[arg-type]
    run(NEAREST, processor, tmp_path, "sets.npz", "found.npz", str(bits), str(lanes))
    n_compared = 0
    with np.load(tmp_path / "found.npz") as found:
        for name in {one[1:] for one in sets}:
            here = nearest_two(sets["a" + name], sets["b" + name])
            for how in ("bytes", "chosen"):
                for part, values in zip(here._fields, here, strict=True):
                    if f"{name} {how} {part}" in found:
                        np.testing.assert_array_equal(found[f"{name} {how} {part}"], values)
                        n_compared += 1
    assert n_compared == 3 * (len(sets) - 1)


COMPILED = """
from siftcore.kernels import _blocks, _nearest_bytes
assert (_blocks.CODES.bits, _blocks.CODES.lanes) == (8, 8)
assert _blocks.has_byte_products()
(code,) = _nearest_bytes._search.inspect_asm().values()
used = {line.split()[0] + " " + line.split()[1] for line in code.splitlines() if "vpdpbusd" in line}
assert used == {"{vex} vpdpbusd"}, used
"""


@pytest.mark.skipif("haswell" not in PROCESSORS, reason="compiles for x86-64")
def test_avx_vnni_without_avx512_is_used(tmp_path: Path) -> None:
    # Only compiled: few processors have it.
    PROCESSORS["alderlake"] = AVX2 + ",+avxvnni"
    try:
        run(COMPILED, "alderlake", tmp_path)
    finally:
        del PROCESSORS["alderlake"]
