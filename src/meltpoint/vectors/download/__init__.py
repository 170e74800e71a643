"""Downloads the sets of the catalogue.

``getting`` gets a set, ``transfer`` one file of it over the mirrors, ``requesting`` opens an address, ``partial`` keeps
what has arrived so far, ``checking`` holds it against what the catalogue knows, ``faults`` says what can go wrong.
"""

from meltpoint.vectors.download.faults import DownloadError
from meltpoint.vectors.download.getting import get_vectors
from meltpoint.vectors.download.requesting import Patience
from meltpoint.vectors.download.transfer import Progress

__all__ = ["DownloadError", "Patience", "Progress", "get_vectors"]
