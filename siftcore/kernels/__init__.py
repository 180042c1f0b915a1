"""Numba kernels: one stage a file, arrays and scalars in, arrays out."""
