"""How large an Extended Neural GPU is, and its first weights."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refmem.arrays import Array
from refmem.ops.tape_write import ROWS

from reference_models.neural_gpu.model import Size, initial_cells


@dataclass(frozen=True)
class ExtendedSize(Size):
    """How large the network is. LTRRE §4 has 32 maps for the synthetic task."""

    maps: int = 32

    tape_rows: str = "first"
    """"first": outputs stand on row 0 of the tape; "all": on all rows, as released."""

    markovian: bool = False
    """Whether the tape holds the last output alone."""

    query_rows: str = "first"
    """Rows of the position that the memory is asked with: "first" or "all"."""

    query_width: int | None = None
    """Of a projection of the query; None: there is none."""

    query_norm: bool = False
    """Whether the query is normalised before and after it, see `queries`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tape_rows not in ROWS:
            raise ValueError(f"tape_rows must be one of {', '.join(ROWS)}, got {self.tape_rows!r}")
        if self.query_rows not in ROWS:
            raise ValueError(f"query_rows must be one of {', '.join(ROWS)}, got {self.query_rows!r}")
        if self.query_width is not None and self.query_width < 1:
            raise ValueError(f"query_width must be at least 1 or None, got {self.query_width}")

    @property
    def read(self) -> int:
        """How many numbers of the image a query is made of."""
        return self.maps * (1 if self.query_rows == "first" else self.rows)


def initial_params(size: ExtendedSize, symbols: int, rng: np.random.Generator,
                   dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
    """Fresh weights: "embedding" E, "encoder.*" and "decoder.*" cells [1, l, ...], "tape_kernels" W [3, 3, m, 3ml],
    "tape_embedding" E', "output" O."""
    m = size.maps
    reach, inside = np.sqrt(3 / m), 1.8 * np.sqrt(3 / (9 * m))
    params = {"embedding": rng.uniform(-1.7, 1.7, (symbols, m)).astype(dtype)}
    for part in ("encoder", "decoder"):
        params |= {f"{part}.{name}": array for name, array in initial_cells(m, size.layers, 1, rng, dtype).items()}
    params["tape_kernels"] = rng.uniform(-inside, inside, (3, 3, m, 3 * m * size.layers)).astype(dtype)
    params["tape_embedding"] = rng.uniform(-1.7, 1.7, (symbols, m)).astype(dtype)
    params["output"] = rng.uniform(-reach, reach, (m, symbols)).astype(dtype)
    return params
