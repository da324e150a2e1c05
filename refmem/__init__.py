"""refmem: the specification of a life-long neural memory that runs."""

__version__ = "0.1.0"
