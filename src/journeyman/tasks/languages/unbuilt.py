"""How a log says that a project could not be built, so that there was nothing to test."""

from __future__ import annotations

import re

from journeyman.tasks.languages.profiles import PROFILES, environment_language

__all__ = ["is_unbuilt"]


def is_unbuilt(language: str, log: bytes) -> bool:
    """Tell whether a compiler of the language complains in a log; never for one without any."""
    profile = PROFILES.get(environment_language(language))
    if profile is None or not profile.unbuilt:
        return False
    text = log.decode("utf-8", "replace")
    return re.search(profile.unbuilt, text, re.MULTILINE) is not None
