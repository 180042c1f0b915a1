"""``python -m siftcore`` is the command ``siftcore``."""

from __future__ import annotations

from siftcore.cli import main

if __name__ == "__main__":
    main()
