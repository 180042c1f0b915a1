"""Runs cases in a child process: ``python -m tests.fuzz.worker FOLDER SEED FIRST LAST TARGET...``.

One line of JSON an event. What ends the process (a crash of a C library, the watchdog) leaves the
line of its case without an end, and `tests.fuzz.campaign` goes on behind it.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import sys
import traceback
import warnings
import zlib
from pathlib import Path

from siftcore import SiftError
from tests.fuzz.corpus import seeds
from tests.fuzz.mutator import generator, mutate
from tests.fuzz.targets import TARGETS

__all__ = ["SECONDS", "case_bytes", "resident"]

# A case takes milliseconds; the machine may be busy.
SECONDS = 30.0
# Beyond what the process has before the first case.
_MEMORY = 2 * 2**30


def case_bytes(target: str, seed: int, index: int) -> bytes:
    """The damaged file of a case."""
    rng = generator(seed, zlib.crc32(target.encode()), index)
    data = mutate(seeds(target), rng)
    return TARGETS[target].prepare(data, int(rng.integers(1 << 16)))


def resident() -> int:
    """Resident memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _limit_memory() -> None:
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _say(**event: object) -> None:
    os.write(1, (json.dumps(event) + "\n").encode())


def _state() -> dict[str, int]:
    gc.collect()
    return {"resident": resident(), "files": len(os.listdir("/proc/self/fd"))}


def _run_case(target: str, path: Path, data: bytes) -> dict[str, str]:
    path.write_bytes(data)
    try:
        TARGETS[target].use(path)
    except SiftError as error:
        return {"end": "refused"} if str(error) else {"end": "fault", "what": "no message"}
    except BaseException as error:
        lines = traceback.format_exc().strip().splitlines()
        places = [line.strip() for line in lines if 'File "' in line][-3:]
        return {"end": "fault", "what": f"{type(error).__name__}: {error}", "at": "; ".join(places)}
    return {"end": "valid"}


def _run_target(target: str, path: Path, seed: int, first: int, last: int) -> None:
    warm = first + (last - first) // 4
    for index in range(first, last):
        if index == warm:
            _say(target=target, state="warm", **_state())
        data = case_bytes(target, seed, index)
        _say(target=target, begin=index)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        end = _run_case(target, path, data)
        faulthandler.cancel_dump_traceback_later()
        _say(target=target, case=index, **end)
    _say(target=target, state="end", **_state())


def main(folder: str, seed: str, first: str, last: str, *targets: str) -> None:
    """Run the cases `first` to `last` (not included) of each target."""
    # A warning would be one more way to answer; and none may come from what siftcore calls.
    warnings.simplefilter("error")
    faulthandler.enable()
    paths = {}
    for target in targets:
        paths[target] = Path(folder, target, TARGETS[target].file)
        paths[target].parent.mkdir()
        # Loads everything, so that what is measured later is the growth.
        for data in seeds(target):
            end = _run_case(target, paths[target], data)
            assert end == {"end": "valid"}, f"a whole {target} file is not read: {end}"
    _limit_memory()
    for target in targets:
        _run_target(target, paths[target], int(seed), int(first), int(last))


if __name__ == "__main__":
    main(*sys.argv[1:])
