"""How the descriptors of a collection are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from siftcore.validation import check_choice, check_flag, check_integer

__all__ = ["KINDS", "IndexSettings", "Kind"]

Kind = Literal["auto", "flat", "ivf-sq8", "ivf-pq"]
KINDS = ("auto", "flat", "ivf-sq8", "ivf-pq")
_LARGEST = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """Settings of an `ImageIndex`.

    Attributes
    ----------
    kind : {"auto", "flat", "ivf-sq8", "ivf-pq"}, default "auto"
        ``"flat"``: every descriptor is compared, exactly; 512 bytes each. ``"ivf-sq8"``: an
        inverted file, one byte a number; 136 bytes. ``"ivf-pq"``: an inverted file of 32 codes of
        one byte (product quantisation: Jegou, Douze & Schmid 2011); 40 bytes. ``"auto"``:
        ``"flat"`` up to `flat_limit` descriptors, ``"ivf-sq8"`` above.
    flat_limit : int, default 200000
        Of ``"auto"``.
    probes : int, default 16
        Cells of the inverted file that a query descriptor is compared with.
    root : bool, default True
        Take each descriptor's L1-normalised square root (RootSIFT: Arandjelovic & Zisserman 2012).
        False for features that were extracted as RootSIFT, as with ``preset="colmap"``.
    seed : int, default 0
        Of the descriptors that the inverted file is trained on.
    """

    kind: Kind = "auto"
    flat_limit: int = 200_000
    probes: int = 16
    root: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_integer("flat_limit", self.flat_limit, 0, _LARGEST)
        check_integer("probes", self.probes, 1, 1_000_000)
        check_flag("root", self.root)
        check_integer("seed", self.seed, 0, _LARGEST)

    def kind_for(self, n_descriptors: int) -> Kind:
        """What ``"auto"`` means for a collection of that many descriptors."""
        if self.kind != "auto":
            return self.kind
        return "flat" if n_descriptors <= self.flat_limit else "ivf-sq8"
