"""Documents of a packed row do not see each other: losses and gradients are those of separate runs."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from dataclasses import replace

from transformers import Qwen3NextConfig, Qwen3NextForCausalLM
from transformers.models.qwen3_next import modeling_qwen3_next as qwen3_next

from journeyman.train.documents import IGNORED
from journeyman.train.losses import load_balance, next_token_losses, second_targets
from journeyman.train.model.multi_token import MultiTokenPrediction
from journeyman.train.model.network import Network
from journeyman.train.model.presets import PRESETS

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    preset = replace(PRESETS["tiny"], vocab_size=97, hidden_size=32, num_experts=4, head_dim=16)
    config = Qwen3NextConfig(**preset.settings())
    return Network(Qwen3NextForCausalLM(config), MultiTokenPrediction(config))


def batch(rows):
    """Rows of documents (lists of token ids) as the tensors that a network takes."""
    columns = [], [], [], []
    for documents in rows:
        tokens = [token for document in documents for token in document]
        targets = [it for document in documents for it in [*document[1:], IGNORED]]
        positions = [at for document in documents for at in range(len(document))]
        for column, values in zip(
            columns, (tokens, targets, positions, [True] * len(tokens)), strict=True
        ):
            column.append(values)
    return [torch.tensor(column) for column in columns]


def losses_and_gradients(network, rows):
    """The losses of both heads, and the gradient of their sum."""
    network.zero_grad()
    given = batch(rows)
    output = network(*given, torch.ones(int((given[1] != IGNORED).sum())))
    (output.loss + output.second_loss).backward()
    gradients = {
        name: it.grad.clone() for name, it in network.named_parameters() if it.grad is not None
    }
    return output.token_losses_N, output.second_losses_N, gradients


def documents_of(*lengths):
    draw = torch.Generator().manual_seed(7)
    return [torch.randint(97, (length,), generator=draw).tolist() for length in lengths]


def test_packed_documents_have_the_losses_and_gradients_of_separate_ones(network):
    # Shorter than the convolution, across the chunks of 64 of the recurrence, and one token alone.
    documents = documents_of(2, 70, 1, 33, 64, 3, 27)
    packed = losses_and_gradients(
        network, [documents[:4] + documents[5:6], documents[4:5] + documents[6:] + documents_of(18)]
    )
    apart = [
        losses_and_gradients(network, [[it]])
        for it in (*documents[:4], documents[5], documents[4], documents[6], *documents_of(18))
    ]
    torch.testing.assert_close(packed[0], torch.cat([it[0] for it in apart]), atol=1e-5, rtol=0)
    torch.testing.assert_close(packed[1], torch.cat([it[1] for it in apart]), atol=1e-5, rtol=0)
    assert len(packed[2]) == len(list(network.parameters()))
    for name, gradient in packed[2].items():
        total = sum(it[2].get(name, torch.zeros_like(gradient)) for it in apart)
        assert (gradient - total).norm() <= 1e-4 * total.norm() + 1e-6, name


def test_another_first_document_changes_nothing_in_the_second(network):
    first, other, second = documents_of(20, 20, 30)
    with torch.no_grad():
        one, two = (network(*batch([[it, second]])).token_losses_N[19:] for it in (first, other))
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0)


def test_the_library_alone_leaks_so_that_the_test_above_can_fail(network):
    first, other, second = documents_of(20, 20, 30)

    def scores(head):
        token_ids, _, positions, _ = batch([[head, second]])
        return network.base(token_ids, position_ids=positions, use_cache=False).logits[0, 20:]

    with torch.no_grad():
        assert (scores(first) - scores(other)).abs().max() > 1e-3


def test_one_document_has_the_scores_of_the_library(network):
    (document,) = documents_of(90)
    token_ids, targets, _, _ = batch([[document]])
    with torch.no_grad():
        theirs = network.base(token_ids, use_cache=False).logits[0, :-1]
        expected = torch.nn.functional.cross_entropy(theirs, targets[0, :-1], reduction="none")
        ours = network(*batch([[document]])).token_losses_N
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_grouped_experts_have_the_losses_and_gradients_of_the_librarys_loop(network):
    rows = [documents_of(9, 5), documents_of(14)]
    assert network.base.config._experts_implementation == "grouped_mm"
    assert network.mtp.config._experts_implementation == "grouped_mm"
    grouped = losses_and_gradients(network, rows)
    for part in (network.base, network.mtp):
        part.set_experts_implementation("eager")
    eager = losses_and_gradients(network, rows)
    for part in (network.base, network.mtp):
        part.set_experts_implementation("grouped_mm")
    torch.testing.assert_close(grouped[0], eager[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(grouped[1], eager[1], rtol=1e-5, atol=1e-5)
    assert grouped[2].keys() == eager[2].keys()
    for name, value in eager[2].items():
        torch.testing.assert_close(grouped[2][name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_one_document_has_the_gradients_of_the_library(network):
    (tokens,) = documents_of(12)
    plain = Qwen3NextForCausalLM(network.base.config)
    plain.load_state_dict(network.base.state_dict())
    given = torch.tensor([tokens])
    plain(input_ids=given, labels=given).loss.backward()
    network.zero_grad()
    losses = network(*batch([[tokens]])).token_losses_N
    losses.mean().backward()
    for name, weight in plain.named_parameters():
        ours = network.base.get_parameter(name).grad
        torch.testing.assert_close(ours, weight.grad, rtol=1e-3, atol=1e-5, msg=name)


def test_a_prompt_and_its_cache_still_work(network):
    (document,) = documents_of(12)
    prompt = torch.tensor([document])
    done = network.base.generate(prompt, max_new_tokens=3, do_sample=False, pad_token_id=0)
    longer = done[:, :-1]
    with torch.no_grad():
        again = network.base(longer, use_cache=False).logits[0, -1].argmax()
    assert done[0, -1] == again


def test_second_targets_stay_within_a_piece():
    targets = torch.tensor([[11, 12, IGNORED, 21, 22, IGNORED]])
    positions = torch.tensor([[0, 1, 2, 0, 1, 2]])
    expected = [[12, IGNORED, IGNORED, 22, IGNORED, IGNORED]]
    assert second_targets(targets, positions).tolist() == expected


def test_the_balance_of_one_layer_is_that_of_the_library_and_leaves_padding_out():
    draw = torch.Generator().manual_seed(1)
    scores = torch.randn(30, 8, generator=draw)
    real = torch.arange(30) < 22
    expected = qwen3_next.load_balancing_loss_func((scores[:22],), 8, 2)
    torch.testing.assert_close(load_balance([scores], 2, real), expected)
    even = torch.zeros(30, 8)
    assert load_balance([even, even], 8, real) == pytest.approx(8)


def test_losses_in_chunks_are_those_of_the_whole(monkeypatch):
    draw = torch.Generator().manual_seed(2)
    hidden, head = torch.randn(10, 6, generator=draw), torch.randn(9, 6, generator=draw)
    targets = torch.randint(9, (10,), generator=draw)
    whole = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="none")
    monkeypatch.setattr("journeyman.train.losses._CHUNK", 3)
    torch.testing.assert_close(next_token_losses(hidden, head, targets), whole)
