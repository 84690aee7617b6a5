"""The configurations in the page of experts are ones that `train rl` takes."""

import re
import tomllib
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/experts.md"
BLOCKS = dict(re.findall(r'^```toml title="([^"]+)"\n(.*?)^```', PAGE.read_text(), re.M | re.S))


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_an_experts_configuration_is_one_of_reinforcement_learning(name):
    from journeyman.train.rl.settings import RlSettings

    given = tomllib.loads(BLOCKS[name])
    settings = RlSettings(model="models/mine", taskset="tasksets/mine", **given)
    assert settings.held_out is not None
    assert settings.scaffold == given["scaffold"]


def test_there_are_configurations():
    assert {"calls.toml", "single_turn.toml"} <= BLOCKS.keys()
