"""Networks that super-resolve scale spaces; siftcore never imports this package."""
