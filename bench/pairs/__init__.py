"""Pairs of images, from data sets and made here."""

from bench.pairs.pair import ImagePair, grey_image, reducible_image

__all__ = ["ImagePair", "grey_image", "reducible_image"]
