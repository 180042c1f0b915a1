"""Extraction of many images, a part at a time."""
