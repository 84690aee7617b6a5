"""How an instance's tests are run and read, where its row does not say it: by repository.

The commands are those of the benchmark's own specifications, with what this machine has in place of
their conda environments: `python -m pytest` for the repositories that SWE-bench drives by tox.

    >>> specify(instance).command  # doctest: +SKIP
    'python -m pytest -rA tests/test_blueprints.py'
"""

from __future__ import annotations

import re
import shlex

from journeyman.errors import JourneymanError
from journeyman.evals.swebench.instance import Instance
from journeyman.types import VerifierSpec
from journeyman.verify import touched_paths

__all__ = ["OFFICIAL_PARSERS", "is_foreign", "parser_of", "specify", "targets_of"]

TIMEOUT_S = 1800.0
_PYTEST = "python -m pytest -rA"
_COMMANDS = {
    "django/django": "./tests/runtests.py --verbosity 2 --settings=test_sqlite --parallel 1",
    "sympy/sympy": (
        "PYTHONWARNINGS='ignore::UserWarning,ignore::SyntaxWarning' python bin/test -C --verbose"
    ),
    "mwaskom/seaborn": f"{_PYTEST} --no-header",
    "astropy/astropy": f"{_PYTEST} -vv -o console_output_style=classic --tb=no",
}
_PARSERS = {
    "astropy/astropy": "swebench-pytest-v2",
    "django/django": "swebench-django",
    "matplotlib/matplotlib": "swebench-matplotlib",
    "mwaskom/seaborn": "swebench-seaborn",
    "psf/requests": "swebench-options",
    "pydicom/pydicom": "swebench-options",
    "pylint-dev/pylint": "swebench-options",
    "scikit-learn/scikit-learn": "swebench-pytest-v2",
    "sphinx-doc/sphinx": "swebench-pytest-v2",
    "sympy/sympy": "swebench-sympy",
}
OFFICIAL_PARSERS = {
    "parse_log_pytest": "swebench-pytest",
    "parse_log_pytest_options": "swebench-options",
    "parse_log_pytest_v2": "swebench-pytest-v2",
    "parse_log_django": "swebench-django",
    "parse_log_seaborn": "swebench-seaborn",
    "parse_log_sympy": "swebench-sympy",
    "parse_log_matplotlib": "swebench-matplotlib",
}
"""Our readers by the names that SWE-bench 5 gives its own in a row's `log_parser`."""
_PYTHON_NAMES = (
    *("astroid", "astropy", "django", "flask", "marshmallow", "matplotlib", "pvlib", "pydicom"),
    *("pylint", "pytest", "pyvista", "requests", "scikit", "seaborn", "sphinx", "sqlfluff"),
    *("sympy", "xarray"),
)
"""Repositories after which SWE-bench names parsers of Python's logs."""
_NO_TESTS = (
    ".json",
    ".png",
    "csv",
    ".txt",
    ".md",
    ".jpg",
    ".jpeg",
    ".pkl",
    ".yml",
    ".yaml",
    ".toml",
)


def specify(instance: Instance) -> VerifierSpec:
    """Return the command and the log parser of an instance; `JourneymanError` where none is known."""
    if instance.test_command:
        command = instance.test_command
    else:
        if not _is_python(instance):
            raise JourneymanError(
                f"{instance.instance_id} is {instance.language or 'not Python'}, and its row names "
                "neither test_command nor eval_script",
                "grade it in its official image: journeyman eval official",
            )
        targets = " ".join(map(shlex.quote, targets_of(instance)))
        command = f"{_COMMANDS.get(instance.repo, _PYTEST)} {targets}".rstrip()
    return VerifierSpec(command=command, log_parser=parser_of(instance), timeout_s=TIMEOUT_S)


def parser_of(instance: Instance) -> str:
    """Return our name of the log parser: the one that the row names, else the repository's."""
    if instance.log_parser:
        named = OFFICIAL_PARSERS.get(instance.log_parser)
        owner, _, name = instance.log_parser.removeprefix("parse_log_").partition("/")
        return named or _by_short_name(owner or name)
    return _PARSERS.get(instance.repo, "swebench-pytest")


def is_foreign(instance: Instance) -> bool:
    """Whether the row names a log parser of the `swebench` package that is none of Python's."""
    name = instance.log_parser.removeprefix("parse_")
    if name == instance.log_parser or instance.log_parser in OFFICIAL_PARSERS:
        return False
    name = name.removeprefix("log_").partition("/")[2] or name.removeprefix("log_")
    return name.partition("-")[0] not in _PYTHON_NAMES


def _by_short_name(name: str) -> str:
    """SWE-bench 5 also names parsers after repositories, e.g. `parse_log_flask`."""
    found = {repo.rpartition("/")[2].partition("-")[0]: ours for repo, ours in _PARSERS.items()}
    return found.get(name.partition("-")[0], "swebench-pytest")


def targets_of(instance: Instance) -> list[str]:
    """Name what the test command runs: the files of the test patch, as the benchmark chooses them."""
    if instance.selected_tests:
        return list(instance.selected_tests)
    files = [path for path in touched_paths([instance.test_patch]) if not path.endswith(_NO_TESTS)]
    if instance.repo != "django/django":
        return files
    names = [re.sub(r"\.py$", "", path).removeprefix("tests/") for path in files]
    return [name.replace("/", ".") for name in names]


def _is_python(instance: Instance) -> bool:
    return instance.language.lower() in ("", "python")
