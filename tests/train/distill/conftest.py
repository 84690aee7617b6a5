"""Two teachers of a tiny model, on the tiny real taskset of the reinforcement learning's tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "tiny_policies", Path(__file__).parents[1] / "rl" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
policies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(policies)

shared_cache, cache, taskset = policies.shared_cache, policies.cache, policies.taskset
half_taught = policies.half_taught


@pytest.fixture(scope="session")
def taught(tmp_path_factory, taskset, half_taught):
    """The half-taught model after some more steps towards the right answer alone: an expert."""
    torch = pytest.importorskip("torch")
    from journeyman.train.model.folder import load_network, save_network
    from journeyman.train.tokenizer import load_tokenizer, save_tokenizer

    tokenizer, network = load_tokenizer(half_taught), load_network(half_taught)
    task = taskset.tasks[0]
    prompt = list(tokenizer.tokenizer.encode(policies.prompt_of(task)).ids)
    answer = list(tokenizer.tokenizer.encode(policies.right(task)).ids)
    answer.append(tokenizer.special_id("<|im_end|>"))
    ids = torch.tensor([prompt + answer])
    labels = torch.tensor([[-100] * len(prompt) + answer])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(60):
        network.base(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("expert") / "taught"
    folder.mkdir()
    save_network(network, folder)
    save_tokenizer(tokenizer, folder)
    return folder
