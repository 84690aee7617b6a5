"""Grading in a benchmark's own images, where the engine has them: its script, its log, its rules.

The patch is applied as the harness does (three ways, the last by `patch`), the instance's script runs
in a container without a network, and its log is judged. An image that is not there is named with the
command that brings it; none is pulled unasked.

    graded = await grade_officially(instance, patch, find_engine("docker"))
"""

from __future__ import annotations

import time
import uuid

from journeyman.errors import AttributedError, JourneymanError
from journeyman.evals.swebench.commands import OFFICIAL_PARSERS, parser_of, specify, targets_of
from journeyman.evals.swebench.instance import Instance
from journeyman.evals.swebench.log import END, START, LogVerdict, judge_log
from journeyman.sandbox.engine import LABEL, Engine
from journeyman.types import Data, Failure, TestStatus, Verdict

__all__ = ["OfficialGrade", "grade_officially", "image_of", "script_of"]

_LOG_BYTES = 64 << 20
_TIMEOUT_S = 1800.0
_EXIT = ">>>>> Test Exit Code"
_APPLY = (
    "git apply --verbose",
    "git apply --verbose --reject",
    "patch --batch --fuzz=5 -p1 -i",
)


class OfficialGrade(Data):
    """A verdict from a benchmark's own image, and its log."""

    verdict: Verdict
    log: str
    image: str


def image_of(instance: Instance, *, architecture: str = "x86_64") -> str:
    """Return the name under which the instance's image is published.

    >>> image_of(Instance(instance_id="pallets__flask-5014", repo="pallets/flask",
    ...     base_commit="7ee9ceb", problem_statement="", patch="", FAIL_TO_PASS=()))
    'swebench/sweb.eval.x86_64.pallets_1776_flask-5014:latest'
    """
    if instance.image:
        has_tag = ":" in instance.image.rpartition("/")[2]
        return instance.image if has_tag else f"{instance.image}:latest"
    name = instance.instance_id.lower().replace("__", "_1776_")
    return f"swebench/sweb.eval.{architecture}.{name}:latest"


def script_of(instance: Instance) -> str:
    """Return the script that brings the tests, runs them between markers and puts them back."""
    if instance.eval_script:
        script = instance.eval_script
        return script if script.startswith("#!") else f"#!/bin/bash\nset -uxo pipefail\n{script}\n"
    command = specify(instance).command
    files = " ".join(targets_of(instance)) if instance.repo != "django/django" else ""
    restore = f"git checkout {instance.base_commit} {files}" if files else ":"
    return "\n".join(
        [
            "#!/bin/bash",
            "set -uxo pipefail",
            "if [ -f /opt/miniconda3/bin/activate ]; then source /opt/miniconda3/bin/activate; "
            "conda activate testbed; fi",
            "cd /testbed",
            "git config --global --add safe.directory /testbed",
            restore,
            "git apply -v - <<'EOF_JOURNEYMAN'",
            instance.test_patch.rstrip("\n"),
            "EOF_JOURNEYMAN",
            f": '{START}'",
            command,
            "code=$?",
            f": '{END}'",
            f"echo '{_EXIT}:' $code",
            restore,
            "",
        ]
    )


async def grade_officially(
    instance: Instance, patch: str, engine: Engine, *, timeout_s: float = _TIMEOUT_S
) -> OfficialGrade:
    """Grade one patch in the instance's own image.

    Raises `JourneymanError` where the image is not there or its log cannot be read here.
    """
    image = image_of(instance)
    if instance.log_parser and instance.log_parser not in OFFICIAL_PARSERS:
        _refuse_foreign(instance)
    if (await engine.call("image", "inspect", image)).exit_code:
        raise JourneymanError(f"the engine has no image {image}", f"{engine.program} pull {image}")
    started = time.monotonic()
    name = f"journeyman-official-{uuid.uuid4().hex[:12]}"
    try:
        await engine.ask(
            "run", "--detach", "--network", "none", "--name", name,
            "--label", f"{LABEL}={name}", "--entrypoint", "tail", image, "-f", "/dev/null",
        )  # fmt: skip
        log = await _run(engine, name, instance, patch, timeout_s)
    finally:
        await engine.remove(name)
    judged = judge_log(
        log,
        parser=parser_of(instance),
        fail_to_pass=instance.FAIL_TO_PASS,
        pass_to_pass=instance.PASS_TO_PASS,
    )
    verdict = _verdict(instance, judged, log, time.monotonic() - started)
    return OfficialGrade(verdict=verdict, log=log, image=image)


def _refuse_foreign(instance: Instance) -> None:
    parser = instance.log_parser
    if not parser.removeprefix("parse_log_").isidentifier() or _is_known_repository(instance):
        return
    raise JourneymanError(
        f"{instance.instance_id}: its log parser {parser} is not one that is read here",
        "grade it with the swebench package, whose own it is",
    )


def _is_known_repository(instance: Instance) -> bool:
    return instance.language.lower() in ("", "python")


async def _run(engine: Engine, name: str, instance: Instance, patch: str, timeout_s: float) -> str:
    if patch.strip():
        await _bring(engine, name, "/tmp/patch.diff", patch)  # noqa: S108
        for command in _APPLY:
            applied = await engine.call(
                "exec",
                "--workdir",
                "/testbed",
                name,
                *command.split(),
                "/tmp/patch.diff",  # noqa: S108
            )
            if applied.exit_code == 0:
                break
        else:
            return f">>>>> Patch Apply Failed\n{applied.stderr.decode(errors='replace')}"
    await _bring(engine, name, "/eval.sh", script_of(instance))
    try:
        done = await engine.call(
            "exec", name, "bash", "-c", "bash /eval.sh 2>&1", timeout_s=timeout_s, limit=_LOG_BYTES
        )
    except AttributedError:
        return ">>>>> Tests Timed Out\n"
    return done.stdout.decode(errors="replace")


async def _bring(engine: Engine, name: str, path: str, text: str) -> None:
    done = await engine.call(
        "exec", "--interactive", name, "bash", "-c", f"cat > {path}", stdin=text.encode()
    )
    if done.exit_code:
        raise AttributedError("sandbox_died", done.complaint)


def _verdict(instance: Instance, judged: LogVerdict, log: str, duration_s: float) -> Verdict:
    wanted = (*instance.FAIL_TO_PASS, *instance.PASS_TO_PASS)
    failure = None
    is_applied = not log.startswith(">>>>> Patch Apply Failed")
    if not is_applied:
        failure = Failure(cause="patch_invalid", detail=log.split("\n")[1][:500])
    elif log.startswith(">>>>> Tests Timed Out"):
        failure = Failure(cause="verifier_timeout")
    elif not judged.is_readable:
        failure = Failure(cause="verifier_unreadable", detail=log.strip()[-300:])
    return Verdict(
        is_resolved=judged.is_resolved,
        patch_is_applied=is_applied,
        tests=judged.statuses or dict.fromkeys(wanted, TestStatus.MISSING),
        duration_s=duration_s,
        failure=failure,
    )
