"""The configurations in the page of experts are ones that `train rl` takes."""

import re
import tomllib
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/experts.md"
BLOCKS = dict(re.findall(r'^```toml title="([^"]+)"\n(.*?)^```', PAGE.read_text(), re.M | re.S))


@pytest.mark.parametrize("name", sorted(set(BLOCKS) - {"page.toml"}))
def test_an_experts_configuration_is_one_of_reinforcement_learning(name):
    from journeyman.train.rl.settings import RlSettings

    given = tomllib.loads(BLOCKS[name])
    settings = RlSettings(model="models/mine", taskset="tasksets/mine", **given)
    assert settings.held_out is not None
    assert settings.scaffold == given["scaffold"]


def test_there_are_configurations():
    assert {"calls.toml", "pages.toml", "single_turn.toml"} <= BLOCKS.keys()


def test_the_page_in_the_page_of_experts_is_one(tmp_path):
    from journeyman.tasks.pages import read_pages

    (tmp_path / "solution").mkdir()
    (tmp_path / "solution/index.html").write_text("<p>")
    name = tmp_path / "page.toml"
    name.write_text('name = "room"\n' + BLOCKS["page.toml"])
    (page,) = read_pages(tmp_path)
    assert len(page.scenes[0].steps) == 5
