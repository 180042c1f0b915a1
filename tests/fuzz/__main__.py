"""``python -m tests.fuzz``: the long mode; prints a table, exits with 1 on any finding."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import run_targets
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import case_bytes

__all__ = ["main"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=12_000, help="in all, shared out evenly")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", default=",".join(TARGETS), help="with commas between")
    parser.add_argument("--keep", type=Path, help="folder for the files of what is found")
    return parser.parse_args()


def main() -> int:
    """Run all targets one after the other."""
    chosen = _arguments()
    names = chosen.targets.split(",")
    each = -(-chosen.cases // len(names))
    print("| kind of file | cases | read | refused | found |")
    print("|---|---|---|---|---|")
    total, found = [0, 0, 0, 0], []
    for name in names:
        (outcome,) = run_targets([name], 0, each, chosen.seed)
        counts = [outcome.cases, outcome.valid, outcome.refused, len(outcome.findings)]
        print(f"| {name} | " + " | ".join(map(str, counts)) + " |", flush=True)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        found += outcome.findings
    print("| **all** | " + " | ".join(map(str, total)) + " |")
    for finding in found:
        print(finding, file=sys.stderr)
        if chosen.keep and finding.index >= 0:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            file = chosen.keep / f"{finding.index}-{TARGETS[finding.target].file}"
            file.write_bytes(case_bytes(finding.target, chosen.seed, finding.index))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
