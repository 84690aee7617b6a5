"""Attention document by document gives what the library's mask over the whole row gives."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import LlamaConfig, LlamaForCausalLM

from journeyman.train.model.attention import find_bounds, use_document_attention

torch.set_num_threads(1)


def small_llama(**changes):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=61,
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
    )
    config.update(changes)
    return LlamaForCausalLM(config).eval()


def test_bounds_begin_where_positions_restart():
    positions = torch.tensor([[0, 1, 2, 0, 0, 1], [0, 1, 2, 3, 4, 5]])
    assert find_bounds(positions) == ((0, 0, 3), (0, 3, 4), (0, 4, 6), (1, 0, 6))


def test_a_piece_that_begins_inside_its_document_is_one_of_its_own():
    assert find_bounds(torch.tensor([[5, 6, 0, 1]])) == ((0, 0, 2), (0, 2, 4))


def test_states_and_gradients_are_those_of_the_librarys_mask():
    model = small_llama()
    tokens = torch.randint(61, (2, 9), generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 0, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8]])

    def run(**extra):
        model.zero_grad()
        found = model.base_model(tokens, position_ids=positions, use_cache=False, **extra)
        found.last_hidden_state.square().sum().backward()
        return found.last_hidden_state.detach(), [
            it.grad.clone() for it in model.parameters() if it.grad is not None
        ]

    expected, gradients = run()
    assert use_document_attention(model)
    unbounded, _ = run()
    torch.testing.assert_close(unbounded, expected)
    found, own = run(document_bounds=find_bounds(positions))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for one, other in zip(own, gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_in_bfloat16_it_attends_no_less_exactly_than_the_library():
    """On a CPU short documents are attended in float32, whatever the products' precision is."""
    model = small_llama()
    tokens = torch.randint(61, (2, 9), generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 0, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8]])
    exact = model.base_model(tokens, position_ids=positions, use_cache=False).last_hidden_state

    def error(**extra):
        with torch.autocast("cpu", torch.bfloat16):
            found = model.base_model(tokens, position_ids=positions, use_cache=False, **extra)
        return float((found.last_hidden_state - exact).detach().norm())

    unbounded = error()
    assert use_document_attention(model)
    bounded = error(document_bounds=find_bounds(positions))
    assert 0 < bounded < 1.5 * unbounded
    assert torch.is_autocast_enabled("cpu") is False


def test_a_model_with_another_attention_keeps_it():
    model = small_llama()
    model.set_attn_implementation("eager")
    assert not use_document_attention(model)
    assert model.config._attn_implementation == "eager"
