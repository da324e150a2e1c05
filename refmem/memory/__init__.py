"""The life-long memory, one file a step of the paper: profiles, state, read, loss, write, and the module of them."""

from refmem.memory.explain import Evidence, explain
from refmem.memory.memory import Memory, MemoryOutput
from refmem.memory.profiles import EMPTY, PAPER, PROFILES, TF2017, Profile
from refmem.memory.state import MemoryState

__all__ = ["EMPTY", "PAPER", "PROFILES", "TF2017", "Evidence", "Memory", "MemoryOutput", "MemoryState", "Profile",
           "explain"]
