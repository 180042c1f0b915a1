"""Benchmarks: ``python -m bench NAME [--json FILE]``; each prints tables in Markdown."""

from siftcore._stopping import run_command


def main() -> None:
    """Run the app; one line and exit code 2 on a foreseen error, or where a signal stops it."""
    run_command("bench.commands")


if __name__ == "__main__":
    main()
