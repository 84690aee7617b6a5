"""A simulated user, who tries answers that no test can grade."""

from journeyman.train.simulator.trial import Step, Trial
from journeyman.train.simulator.user import UserSettings, try_answer, try_answers

__all__ = ["Step", "Trial", "UserSettings", "try_answer", "try_answers"]
