"""Groups: medians and extremes per cell of columns that are sorted by cell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def group_rows(cells: Sequence[str]) -> tuple[list[str], list[NDArray[np.intp]]]:
    """Return the names of the cells, and the rows of each, in the order of the sample."""
    if not cells:
        return [], []
    names, numbers = np.unique(np.array(cells, object).astype(str), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers))[:-1]
    return names.tolist(), np.split(order, ends)
