"""Languages as data: how a project of each is known, installed and tested.

Nothing is run here but the question for a compiler's version.

    >>> profile_of("go").title
    'Go'
"""

from journeyman.tasks.languages.detect import find_language
from journeyman.tasks.languages.diagnosis import diagnose
from journeyman.tasks.languages.profile import Profile, Rung
from journeyman.tasks.languages.profiles import PROFILES, environment_language, profile_of
from journeyman.tasks.languages.suites import find_suites
from journeyman.tasks.languages.texts import broken_text, comment_text, emptied_text
from journeyman.tasks.languages.toolchain import Toolchain, find_toolchain, missing_programs
from journeyman.tasks.languages.unbuilt import is_unbuilt

__all__ = [
    "PROFILES",
    "Profile",
    "Rung",
    "Toolchain",
    "broken_text",
    "comment_text",
    "diagnose",
    "emptied_text",
    "environment_language",
    "find_language",
    "find_suites",
    "find_toolchain",
    "is_unbuilt",
    "missing_programs",
    "profile_of",
]
