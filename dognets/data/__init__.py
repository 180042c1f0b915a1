"""Training data: images to exact pairs of low- and high-resolution patches."""
