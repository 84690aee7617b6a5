"""A tmux session in the sandbox: keys typed into it, and its screen.

terminal = await Terminal.start(sandbox)
await terminal.type("ls\\n")
print(await terminal.look())
"""

from __future__ import annotations

import asyncio
import re
import shlex

from journeyman.errors import AttributedError, JourneymanError
from journeyman.sandbox.base import WORKSPACE, Executed, Sandbox

__all__ = ["Terminal"]

_TMUX = "tmux -L journeyman -f /dev/null"
_NAME = "agent"
_WIDTH, _HEIGHT = 160, 40
_HISTORY_LINES = 100_000
_COMMAND_S = 60.0
# One key or a few, as tmux names them, and nothing else: C-c, M-x, F1, Up, Escape, Enter, …
_KEY = re.compile(
    r"(?:(?:[CMS]-)+\S|(?:[CMS]-)*(?:F\d{1,2}|Up|Down|Left|Right|Home|End|Enter|Escape|Tab|BTab|"
    r"BSpace|Space|DC|IC|PageUp|PageDown|PgUp|PgDn|PPage|NPage))"
)


class Terminal:
    """One session of tmux."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen = ""

    @classmethod
    async def start(cls, sandbox: Sandbox) -> Terminal:
        """Open the session. Raises `JourneymanError` where there is no tmux."""
        terminal = cls(sandbox)
        done = await sandbox.execute("command -v tmux", timeout_s=_COMMAND_S)
        if done.exit_code:
            raise JourneymanError(
                "the sandbox has no tmux, which the scaffold terminal types into",
                "apt-get install -y tmux (in the base image, for --sandbox docker)",
            )
        await terminal._tmux(
            f"new-session -d -s {_NAME} -x {_WIDTH} -y {_HEIGHT} -c {WORKSPACE} bash --norc "
            f"\\; set-option -g history-limit {_HISTORY_LINES}",
        )
        await terminal._tmux("set-option -g status off")
        # The limit of a pane's history is that of its birth.
        await terminal._tmux(f"respawn-pane -k -t {_NAME} -c {WORKSPACE} bash --norc")
        return terminal

    async def type(self, keys: str) -> None:
        """Type text as it stands; what is the name of keys alone, such as `C-c`, presses those."""
        names = keys.split()
        if names and keys.strip() == keys.strip("\n") and all(map(_KEY.fullmatch, names)):
            await self._tmux(f"send-keys -t {_NAME} " + shlex.join(names))
            return
        if keys:
            # Through a buffer: a command line would be too short for a long text.
            await self._tmux("load-buffer -b keys -", keys.encode("utf-8", "replace"))
            await self._tmux(f"paste-buffer -d -b keys -r -t {_NAME}", check=keys)

    async def new_output(self) -> str:
        """Return what has come since the last look, or the screen where that cannot be told."""
        history = await self._capture(f"-S -{_HISTORY_LINES}")
        seen, self._seen = self._seen, history
        body = history.rstrip("\n")
        known = seen.rstrip("\n")
        last = known.rpartition("\n")[0]
        if last and body.startswith(last):
            added = body[len(last) :].lstrip("\n")
            if added:
                return f"New terminal output:\n{added}"
        return f"The terminal's screen:\n{await self.look()}"

    async def look(self) -> str:
        """Return what the screen shows now."""
        return (await self._capture("")).rstrip()

    async def _capture(self, flags: str) -> str:
        done = await self._tmux(f"capture-pane -p -J {flags} -t {_NAME}")
        return done.stdout.decode("utf-8", "replace")

    async def _tmux(self, command: str, stdin: bytes = b"", *, check: str = "") -> Executed:
        done = await self._sandbox.execute(
            f"{_TMUX} {command}", timeout_s=_COMMAND_S, stdin=stdin, env={"TERM": "screen"}
        )
        if done.exit_code == 0:
            return done
        said = done.stderr.decode(errors="replace").strip()
        if "no server" in said or "can't find" in said or "no sessions" in said:
            # The agent typed `exit`, or ended tmux: it gets a fresh one, and sees that.
            await asyncio.sleep(0)
            raise TerminalGoneError(said)
        raise AttributedError("scaffold_crashed", f"tmux: {said}")


class TerminalGoneError(Exception):
    """The session has ended."""
