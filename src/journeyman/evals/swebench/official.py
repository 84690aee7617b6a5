"""Grading in a benchmark's own images, where the engine has them: its script, its log, its rules.

The patch is applied as the harness does (three ways, the last by `patch`), the instance's script runs
in a container without a network, and its log is judged. An image that is not there is named with the
command that brings it; none is pulled unasked.

    graded = await grade_officially(instance, patch, find_engine("docker"))
"""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path

from journeyman.errors import AttributedError, JourneymanError
from journeyman.evals.swebench import pro
from journeyman.evals.swebench.commands import is_foreign, parser_of, specify, targets_of
from journeyman.evals.swebench.instance import Instance
from journeyman.evals.swebench.log import END, START, LogVerdict, judge_log
from journeyman.evals.swebench.package import find_package, judge_with_package
from journeyman.sandbox.engine import LABEL, Engine
from journeyman.types import Data, Failure, TestStatus, Verdict

__all__ = ["OfficialGrade", "grade_officially", "image_of", "script_of"]

_LOG_BYTES = 64 << 20
_TIMEOUT_S = 1800.0
_SCRIPT = "/eval.sh"
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
    if pro.is_pro(instance):
        return pro.image_of(instance)
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
    instance: Instance,
    patch: str,
    engine: Engine,
    *,
    timeout_s: float = _TIMEOUT_S,
    scripts: Path | None = None,
) -> OfficialGrade:
    """Grade one patch in the instance's own image; `scripts` are SWE-bench Pro's `run_scripts`.

    Raises `JourneymanError` where the image is not there or its log cannot be read here.
    """
    image = image_of(instance)
    files = _files(instance, scripts)
    if is_foreign(instance):
        find_package()
    if (await engine.call("image", "inspect", image)).exit_code:
        raise JourneymanError(f"the engine has no image {image}", f"{engine.program} pull {image}")
    started = time.monotonic()
    name = f"journeyman-official-{uuid.uuid4().hex[:12]}"
    try:
        await engine.ask(
            "run", "--detach", "--network", "none", "--name", name,
            "--label", f"{LABEL}={name}", "--entrypoint", "tail", image, "-f", "/dev/null",
        )  # fmt: skip
        log = await _run(engine, name, instance, patch, files, timeout_s)
        judged = await _judge(engine, name, instance, log)
    finally:
        await engine.remove(name)
    verdict = _verdict(instance, judged, log, time.monotonic() - started)
    return OfficialGrade(verdict=verdict, log=log, image=image)


def _files(instance: Instance, scripts: Path | None) -> dict[str, str]:
    """Return what is brought into the container beside the patch, by path."""
    if not pro.is_pro(instance):
        return {_SCRIPT: script_of(instance)}
    given = pro.scripts_of(instance, scripts)
    return {_SCRIPT: pro.script_of(instance), **{f"{pro.WORK}/{it}": given[it] for it in given}}


async def _judge(engine: Engine, name: str, instance: Instance, log: str) -> LogVerdict:
    if pro.is_pro(instance):
        words = ("exec", name, "cat", pro.OUTPUT)
        done = await engine.call(*words, limit=_LOG_BYTES)
        return pro.judge_output(instance, done.stdout.decode(errors="replace"))
    if is_foreign(instance):
        return await asyncio.to_thread(judge_with_package, instance, log)
    return judge_log(
        log,
        parser=parser_of(instance),
        fail_to_pass=instance.FAIL_TO_PASS,
        pass_to_pass=instance.PASS_TO_PASS,
    )


async def _run(
    engine: Engine,
    name: str,
    instance: Instance,
    patch: str,
    files: dict[str, str],
    timeout_s: float,
) -> str:
    place = "/app" if pro.is_pro(instance) else "/testbed"
    if pro.is_pro(instance):
        reset = f"git reset --hard {instance.base_commit} && git checkout {instance.base_commit}"
        await engine.call("exec", "--workdir", place, name, "bash", "-c", reset)
    if patch.strip():
        await _bring(engine, name, "/tmp/patch.diff", patch)  # noqa: S108
        for command in _APPLY[:1] if pro.is_pro(instance) else _APPLY:
            words = (*command.split(), "/tmp/patch.diff")  # noqa: S108
            applied = await engine.call("exec", "--workdir", place, name, *words)
            if applied.exit_code == 0:
                break
        else:
            return f">>>>> Patch Apply Failed\n{applied.stderr.decode(errors='replace')}"
    for path, text in files.items():
        await _bring(engine, name, path, text)
    run = f"bash {_SCRIPT} 2>&1"
    try:
        done = await engine.call(
            "exec", name, "bash", "-c", run, timeout_s=timeout_s, limit=_LOG_BYTES
        )
    except AttributedError:
        return ">>>>> Tests Timed Out\n"
    return done.stdout.decode(errors="replace")


async def _bring(engine: Engine, name: str, path: str, text: str) -> None:
    done = await engine.call(
        "exec",
        "--interactive",
        name,
        "bash",
        "-c",
        "mkdir -p ${0%/*}/ && cat > $0",
        path,
        stdin=text.encode(),
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
