"""The encoder-decoder with its memory in PyTorch, written from the equations with `nn.LSTM` and autograd.

Shares no code with `reference_models`; the memory is given as arrays, and its rules are written again here.
"""

import torch
import torch.nn.functional as F
from torch import nn

PAD, START = 0, 1


def lstm(params, name, x, lengths=None, reverse=False):
    """[B, T, H]; at padding, zeros."""
    w_x, w_h, bias = (params[f"{name}.{part}"] for part in ("w_x", "w_h", "bias"))
    layer = nn.LSTM(w_x.shape[0], w_h.shape[0], batch_first=True, bidirectional=reverse, dtype=x.dtype)
    weights = {"weight_ih_l0": w_x.T, "weight_hh_l0": w_h.T, "bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    if reverse:  # the other half of a bidirectional layer, whose first half is thrown away
        weights |= {f"{key}_reverse": value for key, value in weights.items()}
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    out, _ = torch.func.functional_call(layer, weights, (packed,))
    return nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0][..., -w_h.shape[0]:]


def batch_norm(params, name, x):
    return F.batch_norm(x, None, None, params[f"{name}.gain"], params[f"{name}.bias"], training=True, eps=1e-5)


def memory(q, labels, keys, values, k, t, alpha):
    """(values of the nearest, s_1, mean margin loss) by the paper's rules, a row at a time."""
    q = F.normalize(q, dim=1, eps=1e-6)
    filled = (values >= 0).nonzero()[:, 0]
    found, s_1, losses = [], [], []
    for row, label in zip(q, labels, strict=True):
        cosines = keys[filled] @ row
        near = cosines.argsort(descending=True)[:k]
        s_1.append(torch.softmax(t * cosines[near], dim=0)[0])
        found.append(values[filled][near[0]])
        right = [n for n in near if values[filled][n] == label]
        wrong = [n for n in near if values[filled][n] != label]
        if not right:
            right = sorted((n for n in range(len(filled)) if values[filled][n] == label), key=lambda n: -cosines[n])
        losses.append(F.relu(cosines[wrong[0]] - cosines[right[0]] + alpha) if right and wrong else 0 * row[0])
    return torch.stack(found), torch.stack(s_1), torch.stack(losses).mean()


def objective(params, size, source, target, *, memory_weight, smoothing, contents=None, k=256, t=40.0, alpha=0.1,
              scales=None):
    """Mean cross-entropy and margin loss, as (objective, loss, memory loss).

    contents : (keys, values) of the memory; None: there is none.
    scales : what dropout multiplies by, by place.
    """
    def dropped(x, place):
        return x * scales[place] if scales else x

    source_table = params["target.embedding" if size.shared else "source.embedding"]
    there, said = source != PAD, target != PAD
    s_lengths, t_lengths = there.sum(1), torch.full((len(target),), target.shape[1])

    x = dropped(source_table[source], "source.embedding")
    x = torch.cat([lstm(params, "encoder1.forwards", x, s_lengths),
                   lstm(params, "encoder1.backwards", x, s_lengths, reverse=True)], dim=2)
    for n in range(2, size.encoder_layers + 1):
        y = lstm(params, f"encoder{n}", dropped(x, f"encoder{n}"), s_lengths)
        x = x + y if n >= 3 else y
    annotations = x

    previous = torch.cat([torch.full_like(target[:, :1], START), target[:, :-1]], dim=1)
    x = lstm(params, "decoder1", dropped(params["target.embedding"][previous], "target.embedding"), t_lengths)
    asking = x if size.attend_from == "current" else F.pad(x, (0, 0, 1, 0))[:, :-1]
    hidden = torch.tanh((asking @ params["attention.w_query"]).unsqueeze(2)
                        + (annotations @ params["attention.w_source"]).unsqueeze(1))
    scores = (hidden @ params["attention.v"]).masked_fill(~there.unsqueeze(1), float("-inf"))
    context = torch.softmax(scores, dim=2) @ annotations
    for n in range(2, size.decoder_layers + 1):
        y = lstm(params, f"decoder{n}", dropped(torch.cat([x, context], dim=2), f"decoder{n}"), t_lengths)
        x = x + y if n >= 3 else y

    labels, top, context = target[said], x[said], context[said]
    out, memory_loss = dropped(x, "top")[said], torch.zeros(())
    if contents is not None:
        q = {"context": context, "top": top, "both": torch.cat([context, top], dim=1)}[size.query.source]
        if size.query.norm:
            q = batch_norm(params, "query.norm1", q)
        if size.query.width is not None:
            q = q @ params["query.projection"]
            if size.query.norm:
                q = batch_norm(params, "query.norm2", q)
        values, s_1, memory_loss = memory(q, labels, *contents, k, t, alpha)
        out = torch.cat([out, s_1[:, None] * params["target.embedding"][values]], dim=1)
    z = out @ params["combine.weights"] + params["combine.bias"]
    weights = params["target.embedding"].T if size.tied else params["output.weights"]
    loss = F.cross_entropy(z @ weights + params["output.bias"], labels, label_smoothing=smoothing)
    return loss + memory_weight * memory_loss, loss, memory_loss
