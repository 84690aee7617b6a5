"""Takes secrets out of what leaves the machine: known kinds of keys, and this process's own.

What a rule finds is replaced by `[redacted:KIND]`; counts say what was found. A rule list cannot know
every secret: whoever publishes a run reads it first.

    >>> Redactor({}).text("token ghp_" + "a" * 36)
    'token [redacted:github_token]'
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["RULES", "Redactor"]

_NAMED = (
    r"(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwd|credential|private[_-]?key)"
)

RULES: dict[str, re.Pattern[str]] = {
    "private_key": re.compile(
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        re.S,
    ),
    "github_token": re.compile(r"\b(?:gh[oprsu]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})"),
    "gitlab_token": re.compile(r"\bgl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}"),
    "anthropic_key": re.compile(r"\bsk-ant-[\w-]{20,}"),
    "openai_key": re.compile(r"\bsk-(?:proj-|svcacct-|admin-)?[\w-]{20,}"),
    "hugging_face_token": re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    "aws_access_key": re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    "google_key": re.compile(r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"),
    "slack_token": re.compile(r"\bxox[abeoprs]-[\w-]{10,}|hooks\.slack\.com/services/[\w/]{20,}"),
    "npm_token": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b|_authToken=\S{8,}"),
    "pypi_token": re.compile(r"\bpypi-[\w-]{50,}"),
    "stripe_key": re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    "sendgrid_key": re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    "twilio_key": re.compile(r"\bSK[0-9a-f]{32}\b"),
    "azure_key": re.compile(r"\bAccountKey=[A-Za-z0-9+/=]{40,}"),
    "json_web_token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "authorization": re.compile(r"(?i)(?<=authorization: )(?:bearer|basic|token) +[\w.~+/=-]{8,}"),
    "password_in_url": re.compile(r"(?<=://)[^\s/:@'\"]{1,64}:[^\s/:@'\"]{3,}(?=@)"),
}
"""What is looked for everywhere, by kind; the first that matches wins."""

_ASSIGNED = re.compile(
    rf"(?i)(?P<name>[\w-]*{_NAMED}[\w-]*)(?P<between>[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<value>[A-Za-z0-9+/=_.~-]{12,200})"
)
_SECRET_NAME = re.compile(rf"(?i){_NAMED}|_key$|_pat$")
_LEAST_BITS = 3.2
_LEAST_OWN = 8


class Redactor:
    """Replaces secrets, and counts what it replaced by kind."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        named = os.environ if environment is None else environment
        # What this process holds as a secret must not leave under any spelling of its kind.
        self._own = sorted(
            {v for k, v in named.items() if _SECRET_NAME.search(k) and len(v) >= _LEAST_OWN},
            key=len,
            reverse=True,
        )

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for value in self._own:
            if value in text:
                self.counts["own_environment"] += text.count(value)
                text = text.replace(value, "[redacted:own_environment]")
        for kind, rule in RULES.items():
            text, count = rule.subn(f"[redacted:{kind}]", text)
            if count:
                self.counts[kind] += count
        return _ASSIGNED.sub(self._assigned, text)

    def value(self, value: Any) -> Any:
        """Return a JSON value whose texts, and names, hold no secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._member(str(key), it) for key, it in value.items()}
        if isinstance(value, list | tuple):
            if value and isinstance(value[0], int | float):
                return value
            return [self.value(it) for it in value]
        return value

    def _member(self, key: str, value: Any) -> Any:
        """Judge a text by its own name as well, e.g. an argument that is called `password`."""
        is_named = _SECRET_NAME.search(key) is not None
        if isinstance(value, str) and is_named and len(value) >= _LEAST_OWN and " " not in value:
            self.counts["named_secret"] += 1
            return "[redacted:named_secret]"
        return self.value(value)

    def _assigned(self, found: re.Match[str]) -> str:
        value = found["value"]
        if value.startswith("redacted") or not _looks_random(value):
            return found[0]
        self.counts["named_secret"] += 1
        return f"{found['name']}{found['between']}[redacted:named_secret]"


def _looks_random(value: str) -> bool:
    """Whether a value is no word, path or expression: digits among letters, and enough entropy."""
    if not (re.search(r"\d", value) and re.search(r"[A-Za-z]", value)):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= _LEAST_BITS
