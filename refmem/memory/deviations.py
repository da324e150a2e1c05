"""The register: where the released code departs from the paper, and how each open point of the text is settled.

Each entry names the place in this package that does it for either profile, so that a reader can go and look, and a
test can see that the place exists. LTRRE is the paper, `memory.py` the code released with it. The last entries are of
the Neural GPU, whose code was released too; all that concerns the memory on its tape is in `DEVIATIONS` of
`reference_models/neural_gpu/extended.py`.
"""

from typing import NamedTuple


class Deviation(NamedTuple):
    """One point on which the two profiles differ."""

    id: str  # permanent
    point: str  # what has to be settled
    paper: str  # how PAPER settles it
    tf2017: str  # what the released code does
    text: str  # what the paper says, or that it says nothing
    homes: tuple[str, str]  # where PAPER and TF2017 do it, as module:name


REGISTER = (
    Deviation(
        "query.projection", "what stands before the normalisation",
        "nothing: q = x / ||x||", "a trained linear map without bias: q = x W / ||x W||",
        "§2: the query is \"normalized\"; no map is mentioned",
        ("memory.profiles:Profile", "memory.profiles:Profile")),
    Deviation(
        "read.temperature", "t in softmax(t d)",
        "40", "max(1, ln(0.2 k) / alpha): 39.36 for k = 256, down to 1 in small memories",
        "§2: t = 40", ("memory.profiles:Profile", "memory.profiles:Profile")),
    Deviation(
        "read.empty-slots", "what an empty slot is",
        "no neighbour; an empty memory answers -1 with confidence 0",
        "a neighbour with cosine 0 and value 0: it beats stored keys of negative cosine, and label 0 counts as right",
        "not said; \"keys are normalized\"", ("memory.read:read_paper", "memory.read:read_tf2017")),
    Deviation(
        "read.softmax-width", "over what the softmax and the answer run",
        "all k neighbours", "all columns of the pool but the last, so k-1 where there is no recent slot",
        "§2: softmax(d_1 t, ..., d_k t)", ("memory.read:read_paper", "memory.read:read_tf2017")),
    Deviation(
        "loss.no-positive", "p when no neighbour has the value v",
        "the nearest slot of the whole memory with the value; v nowhere: the row loses nothing",
        "the slot last written for v joins the pool; if that does not have the value either, cosine 0 without gradient",
        "§2: \"any vector from memory with value v\"", ("memory.loss:margin_paper", "memory.loss:margin_tf2017")),
    Deviation(
        "loss.no-negative", "b when all neighbours have the value v",
        "the row loses nothing", "cosine 0 without gradient",
        "not said", ("memory.loss:margin_paper", "memory.loss:margin_tf2017")),
    Deviation(
        "loss.negative-cosines", "cosines below 0",
        "as they are", "lost to a 0 that stands for every column of the other kind: no gradient",
        "§2: the inner products themselves", ("memory.loss:margin_paper", "memory.loss:margin_tf2017")),
    Deviation(
        "loss.offset", "the least loss of a row",
        "0", "-alpha: the margin is taken off again after the hinge; the gradient is the same",
        "§2: [.]_+", ("memory.loss:margin_paper", "memory.loss:margin_tf2017")),
    Deviation(
        "update.averaged-slot", "which slot is averaged in case 1",
        "n_1, the nearest", "the best match of the pool, which has another value when all matches lie below 0",
        "§2: n_1", ("memory.write:plan_paper", "memory.write:plan_tf2017")),
    Deviation(
        "update.oldest", "r_i in argmax_i A[i] + r_i",
        "0; a profile may ask for noise", "U[-8, 8) on every slot, once a batch",
        "§2: |r_i| << |M|, against races between replicas", ("memory.profiles:Profile", "memory.profiles:Profile")),
    Deviation(
        "update.batch", "a batch of updates",
        "all rows are answered first and then written in order; rows of case 2 take different slots that no earlier "
        "row took; where a later row hits a slot again, it wins in key, value, age and source",
        "the r-th row takes the r-th of the oldest slots, taken by others or not; three scatters of undefined order "
        "(here: the last row wins in all)",
        "not said", ("memory.write:plan_paper", "memory.write:plan_tf2017")),
    Deviation(
        "update.ages", "when ages grow",
        "by 1 for each row written", "by 1 for each batch",
        "§2: \"with every memory update\"", ("memory.write:plan_paper", "memory.write:plan_tf2017")),
    Deviation(
        "update.small-memory", "more rows than slots",
        "the slots are taken in turn again", "refused",
        "not said", ("memory.write:plan_paper", "memory.write:plan_tf2017")),
    Deviation(
        "neural-gpu.gate-cutoff", "how far the gates of the Neural GPU are stretched before they are cut",
        "max(0, min(1, 1.1 sigma(x) - 0.1)): reaches 0, and 1 only in the limit",
        "1.2 in place of 1.1: reaches both (cutoff=\"released\")",
        "arXiv 1511.08228 §2: 1.1", ("ops.hard_gate:forward", "ops.hard_gate:forward")),
    Deviation(
        "neural-gpu.query-position", "where on the mental image the memory's query is taken",
        "row 0 of the position one step ahead, as outputs are: s[:, t, 0]",
        "step[:, 0, t + 1], although position is the second axis and outputs are step[:, t, 0]: taken for a slip",
        "§2.1: \"the position one step ahead\"", ("ops.tape_read:forward", "ops.tape_read:forward")),
    Deviation(
        "neural-gpu.tape-rows", "which rows of the output tape are written",
        "row 0, where the input stands too", "all rows (rows=\"all\")",
        "§2.1: \"placed on the output tape\"", ("ops.tape_write:forward", "ops.tape_write:forward")),
)
