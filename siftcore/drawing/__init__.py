"""Pictures of keypoints and matches, to look at; they need Pillow alone."""

from __future__ import annotations

from siftcore.drawing.keypoints import draw_keypoints
from siftcore.drawing.matches import draw_matches

__all__ = ["draw_keypoints", "draw_matches"]
