"""The presets have the published figures; counted without a byte of weights."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import Qwen3NextConfig, Qwen3NextForCausalLM

from journeyman.errors import JourneymanError
from journeyman.train.model.counts import count_parameters
from journeyman.train.model.multi_token import MultiTokenPrediction
from journeyman.train.model.presets import PRESETS, get_preset


def counted(name):
    with torch.device("meta"):
        config = Qwen3NextConfig(**get_preset(name).settings())
        return count_parameters(Qwen3NextForCausalLM(config), MultiTokenPrediction(config))


def test_the_published_model_has_its_published_figures():
    counts = counted("80b-a3b")
    assert counts.total == 79_674_391_296
    assert round(counts.total_without_embeddings / 1e9, 2) == 79.05
    assert round(counts.active / 1e9, 1) == 3.9
    assert round(counts.active_without_embeddings / 1e9, 2) == 3.25
    # One layer of gated attention and experts, a projection from twice the width, three norms.
    layer = (79_674_391_296 - 622_329_856 - 2048 - 36 * deltanet_layer()) // 12
    assert counts.mtp == layer + 2 * 2048 * 2048 + 3 * 2048
    assert round((counts.total + counts.mtp) / 1e9, 2) == 81.32


def deltanet_layer():
    """Parameters of one Gated DeltaNet layer with its experts, by hand from the published figures."""
    keys, values, heads = 16 * 128, 32 * 128, 32
    projections = 2048 * (2 * keys + 2 * values) + 2048 * 2 * heads + values * 2048
    mixer = projections + (2 * keys + values) * 4 + 2 * heads + 128
    experts = 512 * 3 * 2048 * 512 + 512 * 2048 + 3 * 2048 * 512 + 2048
    return mixer + experts + 2 * 2048


def test_the_smaller_presets_are_of_the_size_that_they_are_named_for():
    middle, tiny = counted("1b-a100m"), counted("tiny")
    assert 0.9e9 < middle.total < 1.1e9
    assert 0.09e9 < middle.active_without_embeddings < 0.11e9
    assert 2e6 < tiny.total < 5e6
    for name in PRESETS:
        settings = Qwen3NextConfig(**PRESETS[name].settings())
        assert settings.layer_types.count("full_attention") * 4 == settings.num_hidden_layers


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(JourneymanError) as caught:
        get_preset("huge")
    assert "tiny" in caught.value.hint
