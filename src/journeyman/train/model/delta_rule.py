"""The gated delta rule in chunks, for a CPU: the library's mathematics with less memory moved.

Yang, Kautz and Hatamizadeh, arXiv 2412.06464, section 3.3. Two things differ from `transformers`: chunks
are taken apart and put together once, where a slice of each has a gradient as large as all of them, so
that a row's cost grows with the square of its length; and the two triangular systems of a chunk, which
have one matrix, are solved at once. Chunks are shorter, too: each is paid for by its square.

    read_BTHV = chunked_delta_rule(query, key, value, log_decay, write)

Legend: B rows, T tokens, H value heads, K width of a key, V width of a value, N chunks, C tokens of one.
"""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["chunked_delta_rule"]

_CHUNK = 32
_EPSILON = 1e-6


def chunked_delta_rule(
    query_BTHK: torch.Tensor,
    key_BTHK: torch.Tensor,
    value_BTHV: torch.Tensor,
    log_decay_BTH: torch.Tensor,
    write_BTH: torch.Tensor,
    *,
    chunk_size: int = _CHUNK,
) -> torch.Tensor:
    """Return what each token reads from the state, (B, T, H, V), in the dtype of the queries.

    Queries and keys are normalised here; of both there may be fewer heads than of values. Everything
    between is float32. `write` is how much of a value is written, between 0 and 1.
    """
    num_tokens, num_heads = value_BTHV.shape[1:3]
    groups = num_heads // key_BTHK.shape[2]

    def chunks(given: torch.Tensor) -> torch.Tensor:
        """Lay (B, T, H, …) out as (B, H, N, C, …), filled up with zeros."""
        room = -num_tokens % chunk_size
        filled = functional.pad(given.float().transpose(1, 2), (0, 0, 0, room))
        return filled.unflatten(2, (-1, chunk_size))

    def unit(given: torch.Tensor) -> torch.Tensor:
        given = given.float()
        return given * torch.rsqrt(given.square().sum(-1, keepdim=True) + _EPSILON)

    query = chunks(unit(query_BTHK).repeat_interleave(groups, dim=2)) * query_BTHK.shape[-1] ** -0.5
    key = chunks(unit(key_BTHK).repeat_interleave(groups, dim=2))
    value, write = chunks(value_BTHV), chunks(write_BTH.unsqueeze(-1))
    total = chunks(log_decay_BTH.unsqueeze(-1)).cumsum(3)
    is_later = torch.ones(chunk_size, chunk_size, dtype=torch.bool, device=key.device).triu(1)
    between = (total - total.transpose(3, 4)).masked_fill(is_later, float("-inf")).exp()
    since = total.exp()
    written = key * write
    # Each token's write takes back what those before it in the chunk wrote: a triangular system.
    solved = torch.linalg.solve_triangular(
        (written @ key.transpose(3, 4)) * between,
        torch.cat([value * write, written * since], dim=-1),
        upper=False,
        unitriangular=True,
    )
    news, forgotten = solved.split([value.shape[-1], key.shape[-1]], dim=-1)
    read = _scan(
        query * since,
        (query @ key.transpose(3, 4)) * between,
        (key * (total[:, :, :, -1:] - total).exp()).transpose(3, 4),
        news,
        forgotten,
        since[:, :, :, -1:],
    )
    flat = read.flatten(2, 3)[:, :, :num_tokens].transpose(1, 2)
    return flat.to(query_BTHK.dtype).contiguous()


def _scan(*of_chunks: torch.Tensor) -> torch.Tensor:
    """Take the state (B, H, K, V) through the chunks; return what all tokens read, (B, H, N, C, V)."""
    state: torch.Tensor | None = None
    reads = []
    each = zip(*(it.unbind(2) for it in of_chunks), strict=True)
    for query, within, key, news, forgotten, decay in each:
        if state is None:
            reads.append(within @ news)
            state = key @ news
            continue
        news = news - forgotten @ state
        reads.append(query @ state + within @ news)
        state = state * decay + key @ news
    return torch.stack(reads, dim=2)
