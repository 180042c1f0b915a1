"""siftcore behind the interfaces of other programs' SIFT classes."""
