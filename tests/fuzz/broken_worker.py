"""`tests.fuzz.worker` with a reader that breaks the rule at case 2, to see that it is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from siftcore import SiftError
from tests.fuzz import worker
from tests.fuzz.targets import TARGETS

KEPT: list[object] = []


def _case_bytes(target: str, seed: int, index: int) -> bytes:
    return b"%d.a %d.b" % (index, index)


def _use(path: Path) -> None:
    if path.read_bytes().startswith(b"2."):
        exec(os.environ["SIFTCORE_FUZZ_BREAK"], {"KEPT": KEPT, "SiftError": SiftError})


if __name__ == "__main__":
    worker.SECONDS = 2.0
    worker.case_bytes = _case_bytes
    object.__setattr__(TARGETS["pairs"], "use", _use)
    worker.main(*sys.argv[1:])
