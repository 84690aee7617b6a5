"""Whether a model fits a machine, and how fast it can be there, before it is fetched or loaded."""

from journeyman.models.plan.architecture import Architecture, read_architecture
from journeyman.models.plan.config import from_config
from journeyman.models.plan.estimate import Plan, make_plan
from journeyman.models.plan.machine import Machine, look_at_machine
from journeyman.models.plan.quantisation import QUANTISATIONS

__all__ = [
    "QUANTISATIONS",
    "Architecture",
    "Machine",
    "Plan",
    "from_config",
    "look_at_machine",
    "make_plan",
    "read_architecture",
]
