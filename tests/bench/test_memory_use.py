"""Where memory is: each of its figures follows what it is said to count."""

from __future__ import annotations

import functools
import mmap
import subprocess
import sys

import pytest

import siftcore.rows
from bench import memory_use as module
from bench.memory_use import cached_entries, code_in, memory_use
from siftcore.errors import InputError

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory in use is read from /proc"
)

SMAPS = """\
55d0-55d8 r-xp 00002000 fd:01 1234   /usr/bin/python3.11
Size:                 32 kB
Rss:                  28 kB
7f00-7f10 rwxp 00000000 00:00 0
Size:                 64 kB
Rss:                  40 kB
VmFlags: rd wr ex mr mw
7f20-7f30 r-xp 00000000 00:00 0
Rss:                   4 kB
7f30-7f40 rw-p 00000000 00:00 0
Rss:                1000 kB
7f50-7f60 rw-p 00000000 00:00 0      [heap]
Rss:                2000 kB
7ffc-7ffd r-xp 00000000 00:00 0      [vdso]
Rss:                   4 kB
"""


def test_code_is_what_can_run_and_has_no_file() -> None:
    assert code_in(SMAPS.splitlines()) == 44
    assert code_in([]) == 0


def test_each_figure_follows() -> None:
    before = memory_use()
    code = mmap.mmap(-1, 2**20, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
                     flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # fmt: skip
    code.write(bytes([1]) * 2**20)
    held = bytearray(b"1") * 2**24
    objects = [float(k) for k in range(50_000)]
    after = memory_use()
    assert after.code - before.code == pytest.approx(1024, abs=64)
    assert after.resident - before.resident > 16 * 1024
    assert after.blocks - before.blocks > 49_000
    if before.allocated is not None and after.allocated is not None:
        assert after.allocated - before.allocated == pytest.approx(2**14, rel=0.2)
    del held, objects
    code.close()


def test_entries_of_our_caches_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cached_entries()

    @functools.lru_cache(maxsize=8)
    def square(x: int) -> int:
        return x * x

    monkeypatch.setattr(siftcore.rows, "square", square, raising=False)
    monkeypatch.setattr(siftcore.rows, "found", {k: k for k in range(5)}, raising=False)
    assert cached_entries() - before == 5
    for x in range(20):
        square(x)
    assert cached_entries() - before == 5 + 8


def test_no_proc(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(module, "_STATM", tmp_path / "none")
    with pytest.raises(InputError, match="which Linux has"):
        memory_use()


def test_what_torch_keeps_is_set_before_it_computes() -> None:
    script = (
        "import os, siftcore; siftcore.extract = lambda image, provider: []\n"
        "from bench.soak import run\n"
        "report = run(100, ['dog'], 0, 40, 0)\n"
        "assert report.settings['torch_keeps'] == 0\n"
        "assert os.environ['ONEDNN_PRIMITIVE_CACHE_CAPACITY'] == '0'\n"
        "assert os.environ['LRU_CACHE_CAPACITY'] == '1'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
