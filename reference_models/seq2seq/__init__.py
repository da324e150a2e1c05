"""Translating with a memory: an LSTM encoder-decoder with attention.    (LTRRE §2.1)"""

from reference_models.seq2seq.asking import Asked
from reference_models.seq2seq.cache import Cache
from reference_models.seq2seq.model import Output, Seq2Seq
from reference_models.seq2seq.query import Query
from reference_models.seq2seq.size import END, PAD, START, Size, initial_params

__all__ = ["END", "PAD", "START", "Asked", "Cache", "Output", "Query", "Seq2Seq", "Size", "initial_params"]
