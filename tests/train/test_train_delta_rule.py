"""The chunked delta rule: the library's values and gradients, at any length of chunk and row."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

from journeyman.train.model.delta_rule import chunked_delta_rule

torch.set_num_threads(1)


def given(num_tokens):
    draw = torch.Generator().manual_seed(3)

    def made(*shape):
        return torch.randn(2, num_tokens, *shape, generator=draw)

    write, decay = made(4).sigmoid(), -made(4).abs()
    return [it.requires_grad_() for it in (made(2, 8), made(2, 8), made(4, 6), decay, write)]


def token_by_token(query, key, value, log_decay, write):
    """The recurrence as it is written down, one token after the other."""
    query, key = (torch.nn.functional.normalize(it, dim=-1, eps=1e-6) for it in (query, key))
    query, key = (it.repeat_interleave(2, dim=2) for it in (query, key))
    state, reads = torch.zeros(2, 4, 8, 6), []
    for at in range(value.shape[1]):
        now = key[:, at].unsqueeze(-1)
        state = state * log_decay[:, at, :, None, None].exp()
        known = (state * now).sum(2)
        news = write[:, at].unsqueeze(-1) * (value[:, at] - known)
        state = state + now * news.unsqueeze(2)
        reads.append((state * query[:, at].unsqueeze(-1)).sum(2) * 8**-0.5)
    return torch.stack(reads, dim=1)


@pytest.mark.parametrize("num_tokens", [1, 16, 37, 70])
@pytest.mark.parametrize("chunk_size", [16, 32])
def test_it_reads_what_the_recurrence_and_the_library_read(num_tokens, chunk_size):
    leaves = given(num_tokens)
    ours = chunked_delta_rule(*leaves, chunk_size=chunk_size)
    torch.testing.assert_close(ours, token_by_token(*leaves), rtol=1e-4, atol=1e-5)
    query, key, value, log_decay, write = leaves
    theirs, _ = qwen3_next.torch_chunk_gated_delta_rule(
        query, key, value, g=log_decay, beta=write, use_qk_l2norm_in_kernel=True
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(4))
    found, expected = (torch.autograd.grad((it * weights).sum(), leaves) for it in (ours, theirs))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
