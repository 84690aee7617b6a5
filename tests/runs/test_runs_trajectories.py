"""The branches of a rollout, read in order."""

import pytest
from pydantic import ValidationError

from journeyman.runs import join_trajectories, read_trajectories
from journeyman.types import Completion, Message, Trajectory, Turn


def trajectory(*contents: str) -> Trajectory:
    turns = [
        Turn(completion=Completion(text=it), message=Message(role="assistant", content=it))
        for it in contents
    ]
    return Trajectory(scaffold="aider", model="m", turns=tuple(turns))


def test_branches_come_in_order(tmp_path):
    assert read_trajectories(tmp_path) == []
    assert join_trajectories([]) is None
    names = {"trajectory.json": "a", "trajectory-2.json": "b", "trajectory-10.json": "c"}
    for name, content in names.items():
        (tmp_path / name).write_text(trajectory(content).model_dump_json())
    (tmp_path / "trajectory-old.json").write_text("nothing of ours")
    branches = read_trajectories(tmp_path)
    assert [it.turns[0].message.content for it in branches] == ["a", "b", "c"]
    joined = join_trajectories(branches)
    assert [turn.message.content for turn in joined.turns] == ["a", "b", "c"]


def test_what_is_none_is_an_error(tmp_path):
    (tmp_path / "trajectory.json").write_text("{}")
    with pytest.raises(ValidationError):
        read_trajectories(tmp_path)
