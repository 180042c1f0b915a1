"""Benchmarks: ``python -m bench NAME [--json FILE]``; each prints tables in Markdown."""

from bench.commands import main

if __name__ == "__main__":
    main()
