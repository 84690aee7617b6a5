"""The last rung of the building ladder: a model that makes an environment, and a verifier for it.

built = await AgentBuild(project, case, asker, folder).run()
built.environment, built.verifier
"""

from journeyman.tasks.building.agent import BuildLimits, BuildOutcome, build_with_agent
from journeyman.tasks.building.case import Case, case_of_candidate, case_of_removal

__all__ = [
    "BuildLimits",
    "BuildOutcome",
    "Case",
    "build_with_agent",
    "case_of_candidate",
    "case_of_removal",
]
