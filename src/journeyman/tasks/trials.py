"""Trials: the runs that show whether a task keeps its promises, each in a sandbox of its own.

Every run goes through `verify.grade`, as a rollout's patch would; in a fresh sandbox, or in a cell of a
warm one where those are given. `tasks.gate` judges the outcome.

    async with trials_of(environments, repeats=2) as trials:
        checks = judge(task, await trials.gather(task))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from journeyman.sandbox import load_environment
from journeyman.tasks.gate import Evidence, Trial
from journeyman.tasks.languages import broken_text, comment_text, emptied_text
from journeyman.tasks.mutate import unified_diff
from journeyman.tasks.narrowing import narrowing_of
from journeyman.tasks.sight import FilesBySize, files_by_size, find_visible
from journeyman.tasks.tree import TreeFile, apply_patches, read_file, touched_paths
from journeyman.tasks.warm import NotWarmError, WarmPool, run_warm
from journeyman.types import Task
from journeyman.verify import Graded, grade, parse_log

__all__ = ["Trials", "noop_patch", "trials_of"]

_NOOP_FILE = """\
diff --git a/journeyman-noop.txt b/journeyman-noop.txt
new file mode 100644
--- /dev/null
+++ b/journeyman-noop.txt
@@ -0,0 +1 @@
+This changes nothing.
"""


class Trials:
    """Gathers evidence on tasks. Runs that two tasks have in common are made once if it shares."""

    def __init__(
        self,
        environments: Path,
        *,
        repeats: int,
        shares: bool = False,
        backend: str = "namespace",
        warm: WarmPool | None = None,
    ) -> None:
        self._environments = environments
        self._repeats = repeats
        self._shares = shares
        self._backend = backend
        self._warm = warm
        self._files: dict[str, FilesBySize] = {}
        self._shared: dict[tuple[str, ...], asyncio.Task[Trial]] = {}

    async def gather(
        self, task: Task, *, screened: Trial | None = None, solved: Trial | None = None
    ) -> Evidence:
        """Run every trial of a task; runs of its buggy and its fixed state that were made before count
        as one each.

        Raises `AttributedError` where the machine fails or the task's own patches do not apply.
        """
        faults = self._tree_faults(task)
        # Where the tree is proven equal to the environment's, its runs are the same for all tasks.
        place = task.environment if self._shares and task.bug_patch and not faults else ""
        buggy = [screened] if screened else []
        while len(buggy) < self._repeats:
            buggy.append(await self._try(task, ""))
        fixed = [solved or await self._try(task, task.patch)]
        for number in range(1, self._repeats):
            fixed.append(await self._once(place, task, ("fixed", str(number))))
        return Evidence(
            buggy=buggy,
            fixed=fixed,
            noop=await self._try(task, noop_patch(task, self._repository(task))),
            hollow=await self._hollow(place, task),
            broken=await self._broken(place, task),
            tree_faults=faults,
            visible=await self._visible(task),
        )

    async def close(self) -> None:
        """End what is still running."""
        jobs = list(self._shared.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def _repository(self, task: Task) -> Path:
        return self._environments / task.environment / "repository"

    async def _try(self, task: Task, patch: str) -> Trial:
        graded = await self._graded_warm(task, patch)
        if graded is None:
            graded = await grade(
                task, self._environments, patch, backend=self._backend, owner="gate"
            )
        failure = graded.verdict.failure
        return Trial(
            statuses=parse_log(task.verifier.log_parser, graded.log.decode(errors="replace")),
            is_applied=graded.verdict.patch_is_applied,
            failure=f"{failure.cause}: {failure.detail}" if failure else "",
        )

    async def _graded_warm(self, task: Task, patch: str) -> Graded | None:
        """Grade in a warm sandbox; None where a fresh one is needed."""
        warm = self._warm
        if warm is None or warm.why_not or task.environment != warm.digest:
            return None
        try:
            return await grade(
                task, self._environments, patch, opener=warm.open, runner=run_warm, owner="gate"
            )
        except NotWarmError:
            return None

    async def _visible(self, task: Task) -> tuple[str, ...]:
        if task.environment not in self._files:
            self._files[task.environment] = files_by_size(self._environments / task.environment)
        files = self._files[task.environment]
        return await find_visible(task, self._environments, files=files, backend=self._backend)

    async def _hollow(self, place: str, task: Task) -> Trial:
        environment = load_environment(self._environments / task.environment)
        files = narrowing_of(environment, self._repository(task)).files_of(task.FAIL_TO_PASS)
        # Tests that the task's own patch makes may be named otherwise than the environment's.
        made = touched_paths([task.test_patch])
        if not any(it in made or (self._repository(task) / it).is_file() for it in files):
            files = tuple(made)
        spoiled = self._spoiled(task, files, lambda path, _: emptied_text(path))
        return await self._once(place, spoiled, ("hollow", *files))

    async def _broken(self, place: str, task: Task) -> Trial:
        files = touched_paths([task.patch])
        spoiled = self._spoiled(task, files, lambda path, before: broken_text(path) + before)
        return await self._once(place, spoiled, ("broken", *files))

    def _spoiled(
        self, task: Task, files: Sequence[str], spoil: Callable[[str, bytes], bytes]
    ) -> Task:
        """Return the task with some files of its fixed state spoiled just before its tests run."""
        repository = self._repository(task)
        after = apply_patches(repository, [task.bug_patch, task.patch, task.test_patch])
        diffs = [task.test_patch]
        for path in files:
            file = after[path] if path in after else read_file(repository, path)
            if file is not None and _is_text(file):
                diffs.append(unified_diff(path, file.data, spoil(path, file.data)))
        return task.model_copy(update={"test_patch": "".join(diffs)})

    async def _once(self, place: str, task: Task, what: tuple[str, ...]) -> Trial:
        """Grade the gold patch; once for all tasks whose run is the same, if there is a place."""
        if not place:
            return await self._try(task, task.patch)
        key = (place, task.verifier.model_dump_json(), *what)
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(self._try(task, task.patch))
        try:
            return await asyncio.shield(self._shared[key])
        except Exception:
            self._shared.pop(key, None)
            raise

    def _tree_faults(self, task: Task) -> list[str]:
        """Apply the bug and then the gold patch: what differs from the environment's tree?"""
        if not task.bug_patch:
            return []
        repository = self._repository(task)
        after = apply_patches(repository, [task.bug_patch, task.patch])
        return [path for path, file in after.items() if file != read_file(repository, path)]


@asynccontextmanager
async def trials_of(
    environments: Path,
    *,
    repeats: int,
    shares: bool = False,
    backend: str = "namespace",
    warm: WarmPool | None = None,
) -> AsyncIterator[Trials]:
    """Yield `Trials`, and end what they left running."""
    trials = Trials(environments, repeats=repeats, shares=shares, backend=backend, warm=warm)
    try:
        yield trials
    finally:
        await trials.close()


def noop_patch(task: Task, repository: Path) -> str:
    """Return a patch of the buggy state that changes no behaviour, yet touches the files to fix."""
    buggy = apply_patches(repository, [task.bug_patch])
    diffs = [_NOOP_FILE]
    for path in touched_paths([task.patch]):
        file = buggy[path] if path in buggy else read_file(repository, path)
        comment = comment_text(path, "This changes nothing.")
        if file is not None and _is_text(file) and comment and _may_end_with_comment(file.data):
            end = b"" if file.data.endswith(b"\n") or not file.data else b"\n"
            diffs.append(unified_diff(path, file.data, file.data + end + comment))
    return "".join(diffs)


def _may_end_with_comment(data: bytes) -> bool:
    """Tell whether a comment at the end is one: not behind PHP's closing mark, nor Ruby's data."""
    return not data.rstrip().endswith(b"?>") and b"\n__END__" not in data


def _is_text(file: TreeFile) -> bool:
    """Tell whether a textual diff can change a file: no link, no binary file, no other encoding."""
    try:
        file.data.decode()
    except UnicodeDecodeError:
        return False
    return not file.is_link and b"\0" not in file.data
