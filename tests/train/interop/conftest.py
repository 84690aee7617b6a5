"""The tiny real taskset of the orchestrator's tests."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "tiny_taskset_for_interop", Path(__file__).parents[2] / "flow" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

shared_cache, cache, taskset = tiny.shared_cache, tiny.cache, tiny.taskset
