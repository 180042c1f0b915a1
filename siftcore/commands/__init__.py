"""The commands of ``siftcore``, one per file."""
