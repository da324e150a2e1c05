"""An index of keys, in loops: what it holds, and what it finds.

A step first writes (`slots` and `keys`), or makes the index anew (`all_keys` and `filled`), and then searches
(`queries` and `k`).
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
# mypy: disallow-untyped-calls=False, check-untyped-defs=False

from collections.abc import Iterator
from typing import Any

from refmem.conformance.case import Task
from refmem.conformance.oracles.loops import dot
from refmem.conformance.oracles.operation import Oracle

ABSENT = -1


class Index(Oracle):
    """One method a rule; a mutant changes one."""

    keys: list[Any]
    filled: list[bool]

    def run(self, group: Any, numbers: Any, task: Task) -> Iterator[dict[str, Any]]:
        assert task.state is not None  # an index looks into something
        self.rebuild(numbers(task.state["keys"]), [bool(x) for x in task.state["filled"]])
        for step in task.steps:
            if "slots" in step:
                self.update(step["slots"].tolist(), numbers(step["keys"]))
            if "all_keys" in step:
                self.rebuild(numbers(step["all_keys"]), [bool(x) for x in step["filled"]])
            yield self.answered(numbers(step["queries"]), int(step["k"]))

    def answered(self, queries, k):
        if not self.allowed(k):
            return {"refused": 1}
        found = [self.search(query, k) for query in queries]
        return {"slots": [slots for slots, _ in found], "cosines": [cosines for _, cosines in found], "refused": 0}

    def allowed(self, k: int) -> bool:
        return 1 <= k <= len(self.keys)

    # --- Writing

    def rebuild(self, keys, filled):
        self.keys, self.filled = [list(key) for key in keys], list(filled)

    def update(self, slots, keys):
        for slot, key in zip(slots, keys, strict=True):
            self.write(slot, key)

    def write(self, slot, key):
        self.keys[slot], self.filled[slot] = list(key), True

    # --- Searching

    def search(self, query, k):
        pool = self.pool()
        cosines = {slot: self.cosine(query, slot) for slot in pool}
        ranked = self.ranked(pool, cosines)[:k]
        missing = k - len(ranked)
        return ranked + [ABSENT] * missing, [cosines[slot] for slot in ranked] + [self.absent_cosine()] * missing

    def pool(self):
        return [slot for slot in range(len(self.keys)) if self.filled[slot]]

    def cosine(self, query, slot):
        return dot(query, self.keys[slot])

    def ranked(self, pool, cosines):
        return sorted(pool, key=lambda slot: (-cosines[slot], slot))

    def absent_cosine(self):
        return -1.0
