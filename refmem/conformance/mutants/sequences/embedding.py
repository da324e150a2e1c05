"""Mistakes in looking a token up."""

# mypy: ignore-errors
# The types are those of the methods that are replaced, in `oracles/sequences.py`.

from refmem.conformance.mutants.registry import mutant
from refmem.conformance.oracles.operation import stopped
from refmem.conformance.oracles.sequences import Loops
from refmem.conformance.oracles.tape import Number


@mutant("embedding-counts-from-1", "embedding.lookup", "tokens count from 1")
class CountsFromOne(Loops):
    def looked_up(self, table, tokens, place):
        return table[tokens[place] - 1]


@mutant("embedding-scaled", "embedding.lookup", "vectors are multiplied by the root of their width", "the Transformer")
class EmbeddingScaled(Loops):
    def looked_up(self, table, tokens, place):
        return [x * len(table[0]) ** 0.5 for x in table[tokens[place]]]


@mutant("embedding-zero-is-padding", "embedding.lookup", "token 0 is padding, and its vector zero")
class ZeroIsPadding(Loops):
    def looked_up(self, table, tokens, place):
        row = table[tokens[place]]
        return row if tokens[place] else [Number(0.0) for _ in row]


@mutant("embedding-gradient-one-wins", "embedding.repeated-tokens-add-up",
        "of the occurrences of a token in a row one alone counts: table[tokens] += gradient")
class OneWins(Loops):
    def looked_up(self, table, tokens, place):
        row = table[tokens[place]]
        return stopped(row) if tokens[place] in tokens[place + 1:] else row


@mutant("embedding-gradient-averaged", "embedding.repeated-tokens-add-up",
        "the occurrences of a token are averaged")
class OccurrencesAveraged(Loops):
    def looked_up(self, table, tokens, place):
        count = float(tokens.count(tokens[place]))
        return [Number(x.value, ((x, 1.0 / count),)) for x in table[tokens[place]]]
