"""What is said while a run goes on, from the events of the run alone."""

import pytest

from journeyman.cli.progress import RolloutProgress
from journeyman.flow.events import RolloutFinished, RunStarted
from journeyman.types import Failure


def finished(number, *, is_resolved, failure=None):
    return RolloutFinished(
        rollout_id=f"r{number}",
        model="oracle",
        ending="submitted",
        is_resolved=is_resolved,
        failure=failure,
    )


def test_every_ending_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with RolloutProgress() as progress:
        progress(RunStarted(run="run", num_rollouts=3))
        progress(finished(1, is_resolved=True))
        progress(finished(2, is_resolved=False))
        progress(finished(3, is_resolved=False, failure=Failure(cause="sandbox_died")))
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "3/3 rollouts, 1 solved, 2 unsolved, 1 failed"


def test_after_a_resume_what_was_finished_before_is_counted_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with RolloutProgress() as progress:
        progress(
            RunStarted(run="run", num_rollouts=9, num_finished=7, num_resolved=4, num_failed=1)
        )
        progress(finished(8, is_resolved=True))
        progress(finished(9, is_resolved=False))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "7 of 9 were finished before"
    assert said[-1] == "9/9 rollouts, 5 solved, 4 unsolved, 1 failed"


def test_nothing_is_said_of_a_run_that_never_started(capsys: pytest.CaptureFixture[str]) -> None:
    with RolloutProgress():
        pass
    assert capsys.readouterr().err == ""
