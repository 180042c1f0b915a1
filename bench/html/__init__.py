"""The results of all benchmarks as one HTML file that opens offline."""

from bench.html.page import build

__all__ = ["build"]
