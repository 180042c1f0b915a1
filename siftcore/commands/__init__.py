"""The commands of ``siftcore``, one a file."""
