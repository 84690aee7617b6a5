"""Which languages this machine can make tasks in, and the command that adds one.

>>> [check.name for check in diagnose()][:2]
['tasks in JavaScript and TypeScript', 'tasks in Go']
"""

from __future__ import annotations

from journeyman.tasks.languages.profile import Profile
from journeyman.tasks.languages.profiles import PROFILES
from journeyman.tasks.languages.toolchain import missing_programs
from journeyman.tasks.mutate.grammar import is_installed
from journeyman.types import Check

__all__ = ["diagnose"]

_GRAMMARS = "pip install 'journeyman[languages]'"


def diagnose() -> list[Check]:
    """Look for each language's programs and grammar; none of them is required."""
    return [_check(profile) for profile in PROFILES.values()]


def _check(profile: Profile) -> Check:
    missing = missing_programs(profile)
    has_grammar = is_installed(profile.language)
    detail = f"no {', '.join(missing)}" if missing else ", ".join(profile.programs)
    if not has_grammar:
        detail += "; no grammar, so bugs cannot be put in"
    fixes = [f"apt-get install {' '.join(profile.packages)}"] if missing else []
    fixes += [] if has_grammar else [_GRAMMARS]
    return Check(
        name=f"tasks in {profile.title}",
        is_ok=not missing and has_grammar,
        detail=detail,
        fix=" && ".join(fixes),
        is_required=False,
    )
