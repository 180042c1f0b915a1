"""Which images of a collection show what a query shows: votes of descriptors, then geometry.

::

    from siftcore.retrieval import ImageIndex, verify_candidates

    index = ImageIndex.from_file("features.h5")
    features = siftcore.extract("query.jpg")
    verify_candidates(index, features, index.query(features, top=20))

``docs/retrieval.md`` says how it works, what it costs and what it finds.
"""

from siftcore.retrieval.index import ImageIndex
from siftcore.retrieval.search import Candidate
from siftcore.retrieval.settings import IndexSettings
from siftcore.retrieval.verify import verify_candidates

__all__ = ["Candidate", "ImageIndex", "IndexSettings", "verify_candidates"]
