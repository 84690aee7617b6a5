"""The tiny real taskset of the orchestrator's tests, and a small policy that half knows its fixes."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "tiny_taskset", Path(__file__).parents[2] / "flow" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

shared_cache, cache, taskset = tiny.shared_cache, tiny.cache, tiny.taskset


def right(task):
    """The turn that fixes a task of the tiny taskset with one command."""
    _, _, _, good, bad = next(it for it in tiny.BUGS if task.instance_id.endswith(it[2]))
    path = task.origin.location
    change = f"p.write_text(p.read_text().replace({bad!r}, {good!r}))"
    script = f"import pathlib; p = pathlib.Path('{path}'); {change}"
    return call(f'python -c "{script}"')


def wrong(task):
    """A turn that changes nothing of use."""
    return call(f"touch {task.origin.location}.bak")


def call(command):
    body = json.dumps({"name": "bash", "arguments": {"command": command}}, ensure_ascii=False)
    return f"<tool_call>\n{body}\n</tool_call>"


@pytest.fixture(scope="session")
def half_taught(tmp_path_factory, taskset):
    """A folder with a small model that fixes the first tiny task about every other time."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from journeyman.train.model.folder import save_network
    from journeyman.train.model.network import Network
    from journeyman.train.tokenizer import save_tokenizer, train_tokenizer

    task = taskset.tasks[0]
    answers = [right(task), wrong(task)]
    tokenizer = train_tokenizer([prompt_of(task), *answers] * 3, 2000)
    end = tokenizer.special_id("<|im_end|>")
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        eos_token_id=end,
        pad_token_id=tokenizer.pad_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    base = transformers.LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(base.parameters(), lr=3e-3)
    prompt = tokenizer.tokenizer.encode(prompt_of(task)).ids
    drawn = [[*tokenizer.tokenizer.encode(it).ids, end] for it in answers]
    rows = [torch.tensor(prompt + it) for it in drawn]
    labels = [torch.tensor([-100] * len(prompt) + it) for it in drawn]
    pad = torch.nn.utils.rnn.pad_sequence
    ids = pad(rows, batch_first=True)
    wanted = pad(labels, batch_first=True, padding_value=-100)
    # Not to know which of the two to begin costs log 2 once an answer, and that is to be left.
    least = 2 * math.log(2) / sum(map(len, drawn))
    for _ in range(600):
        loss = base(input_ids=ids, labels=wanted).loss
        if float(loss.detach()) < 1.1 * least:
            break
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("policy") / "half-taught"
    folder.mkdir()
    save_network(Network(base), folder)
    save_tokenizer(tokenizer, folder)
    return folder


def prompt_of(task):
    """The prompt that the scaffold `bash` opens with in the template hermes."""
    from journeyman.scaffolds.prompts import first_messages
    from journeyman.scaffolds.tools import BASH, SUBMIT
    from journeyman.templates import get_template
    from journeyman.types import TaskView

    view = TaskView(
        instance_id=task.instance_id,
        repo=task.repo,
        base_commit=task.base_commit,
        problem_statement=task.problem_statement,
    )
    return get_template("hermes").render(first_messages(view), (BASH.spec, SUBMIT.spec))
