"""Training: presets, losses, the loop, checkpoints and logs."""
