import pytest
from pydantic import ValidationError

from journeyman.types import Completion, Message, Origin, Task, ToolCall, Turn, VerifierSpec


def test_data_is_frozen_and_closed() -> None:
    message = Message(role="user", content="hi")
    with pytest.raises(ValidationError):
        message.content = "changed"
    with pytest.raises(ValidationError):
        Message.model_validate({"role": "user", "contents": "hi"})


def test_a_task_round_trips_through_json() -> None:
    task = Task(
        instance_id="a__b-1",
        repo="a/b",
        base_commit="0" * 40,
        problem_statement="é\n",
        patch="diff",
        FAIL_TO_PASS=("t.py::test_x",),
        verifier=VerifierSpec(command="pytest"),
        origin=Origin(road="mutate", seed=1),
    )
    assert Task.model_validate_json(task.model_dump_json()) == task


def test_a_turn_keeps_exact_tokens() -> None:
    call = ToolCall(name="bash", arguments={"command": "ls"})
    turn = Turn(
        completion=Completion(text="x", token_ids=(1, 2), logprobs=(-0.5, -0.25)),
        message=Message(role="assistant", tool_calls=(call,)),
    )
    assert Turn.model_validate_json(turn.model_dump_json()) == turn
