"""Low-rank adapters: only they are trained and kept, and merged they are the same model."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from safetensors.torch import load_file
from test_train_trainer import SETTINGS, SMALL, open_run, source

from journeyman.train.model.folder import create_network
from journeyman.train.model.lora import add_adapters
from journeyman.train.model.lora_settings import LoraSettings
from journeyman.train.trainer.loop import Trainer

torch.set_num_threads(1)
LORA = LoraSettings(rank=4)


def losses_of(network):
    row = source().of_step(0, rows_per_step=1)[0]
    from journeyman.train.trainer.rows import make_batch

    batch = make_batch([row], torch.device("cpu"))
    with torch.no_grad():
        output = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
    return output.token_losses_N


def test_adapters_alone_are_trained_and_kept_and_a_killed_run_goes_on_with_them(tmp_path):
    before = create_network(SMALL, seed=1)
    network = create_network(SMALL, seed=1)
    adapters = add_adapters(network, LORA, seed=3)
    assert torch.equal(losses_of(network), losses_of(before))
    with open_run(tmp_path) as run:
        Trainer(network, source(), SETTINGS, run).train()
        metrics = run.read("metrics")
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    kept = load_file(tmp_path / "run/checkpoints/step_000006/weights.safetensors")
    assert kept
    assert all("lora_" in name for name in kept)

    resumed = create_network(SMALL, seed=1)
    add_adapters(resumed, LORA, seed=3)
    with open_run(tmp_path, resume=True) as run:
        Trainer(resumed, source(), SETTINGS, run).train()
    expected = losses_of(network)
    assert torch.equal(losses_of(resumed), expected)

    adapters.save(tmp_path / "adapter")
    assert (tmp_path / "adapter/adapter_config.json").is_file()
    adapters.merge()
    assert torch.allclose(losses_of(network), expected, atol=1e-5)
    names = {name for name, _ in network.named_parameters()}
    assert names == {name for name, _ in before.named_parameters()}
    assert all(it.requires_grad for it in network.parameters())
