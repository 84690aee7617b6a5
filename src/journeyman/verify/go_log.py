"""What `go test -json` prints, read back: one event a line, each of a package and perhaps a test.

>>> list(read_go('{"Action":"pass","Package":"a/b","Test":"TestX"}'))[0].test
'a/b::TestX'
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from journeyman.verify.outcome import FAILED, PASSED, SKIPPED, Outcome

__all__ = ["read_go"]

_ACTIONS = {"pass": PASSED, "fail": FAILED, "skip": SKIPPED}
_CHATTER = ("=== ", "--- ", "PASS", "FAIL", "ok ")


def read_go(text: str) -> Iterator[Outcome]:
    """Read the events of a log; a test is `import/path::TestName/subtest`."""
    said: dict[str, list[str]] = defaultdict(list)
    for line in text.split("\n"):
        event = _event(line)
        if event is None or not event.get("Test"):
            continue
        test = f"{event.get('Package', '')}::{event['Test']}"
        if event.get("Action") == "output":
            said[test].append(str(event.get("Output", "")))
        elif event.get("Action") in _ACTIONS:
            lines = [one for one in said[test] if not one.lstrip().startswith(_CHATTER)]
            yield Outcome(test, _ACTIONS[event["Action"]], "".join(lines).strip("\n"))


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
