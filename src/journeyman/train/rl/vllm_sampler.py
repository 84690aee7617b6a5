"""The policy drawn by a vLLM server: its weights are written to a folder that the server reads anew.

After every change: the folder, `/pause` until what is drawn has ended, `/collective_rpc` with
`reload_weights` and that folder, `/reset_prefix_cache`, `/resume`. The server is started with
`VLLM_SERVER_DEV_MODE=1`, which these calls need, and sees the folder under the same path. Not a transfer
from GPU to GPU (`/init_weight_transfer_engine`): that needs vLLM in the trainer, too.

    sampler = await VllmSampler.open(network, tokenizer, folder, "vllm:http://host:8000", version="0")
    await sampler.change(lambda base: optimizer.step(), version="1")
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models.endpoint import EndpointSettings, connect
from journeyman.models.token_server import TokenServerModel, open_token_server
from journeyman.train.model.folder import save_network
from journeyman.train.model.network import Network
from journeyman.train.rl.turnstile import Turnstile
from journeyman.train.tokenizer import PlainTokenizer, save_tokenizer
from journeyman.types import Completion, Prompt, Sampling

__all__ = ["VllmSampler"]


class VllmSampler:
    """A policy served by vLLM, which is this run's alone; of its weights one version is kept on disk."""

    reads_text = True

    def __init__(
        self,
        network: Network,
        tokenizer: PlainTokenizer,
        folder: Path,
        served: TokenServerModel,
        url: str,
    ) -> None:
        self.name = "policy"
        self.version = ""
        self._network, self._tokenizer = network, tokenizer
        self._folder, self._served = folder.resolve(), served
        self._control = connect(url, EndpointSettings())
        self._turnstile = Turnstile()

    @classmethod
    async def open(
        cls,
        network: Network,
        tokenizer: PlainTokenizer,
        folder: Path,
        spec: str,
        *,
        version: str,
    ) -> VllmSampler:
        """Connect and publish the weights. Raises `JourneymanError` where the server takes none."""
        served = await open_token_server(spec)
        url = spec.partition(":")[2].partition("#")[0].rstrip("/").removesuffix("/v1")
        sampler = cls(network, tokenizer, folder, served, url)
        try:
            await sampler._publish(version)
        except BaseException:
            await sampler.close()
            raise
        return sampler

    @property
    def context_tokens(self) -> int:
        """Longest prompt and completion together."""
        return self._served.context_tokens

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete with the newest weights; raises as `TokenServerModel.complete` does."""
        async with self._turnstile.drawing():
            completion = await self._served.complete(prompt, sampling)
            return completion.model_copy(update={"model_version": self.version})

    async def tokenize(self, text: str, *, is_start: bool = False) -> tuple[int, ...]:
        """Return the tokens of `text`; the names of special tokens are read as those tokens."""
        return await self._served.tokenize(text, is_start=is_start)

    async def change(self, work: Callable[[Any], Any], *, version: str) -> None:
        """Let `work` change the network, then publish what it became.

        The server draws on with the old weights while `work` computes. Raises what `work` raises, and
        `JourneymanError` where the server does not take the weights: it may then hold parts of both.
        """
        await asyncio.to_thread(work, self._network.base)
        await self._publish(version)

    async def close(self) -> None:
        """Close every connection and remove the files. The server goes on. Safe to call twice."""
        await self._served.close()
        await self._control.close()
        shutil.rmtree(self._place(self.version), ignore_errors=True)

    def _place(self, version: str) -> Path:
        return self._folder / f"policy-{version}"

    async def _publish(self, version: str) -> None:
        place, old = self._place(version), self._place(self.version)
        await asyncio.to_thread(self._write, place)
        async with self._turnstile.changing():
            await self._ask("/pause?mode=wait")
            rpc = {"method": "reload_weights", "kwargs": {"weights_path": str(place)}}
            await self._ask("/collective_rpc", rpc)
            await self._ask("/reset_prefix_cache")
            await self._ask("/resume")
            self.version = version
        if old != place:
            shutil.rmtree(old, ignore_errors=True)

    def _write(self, place: Path) -> None:
        shutil.rmtree(
            place, ignore_errors=True
        )  # of a run that was killed before this step was kept
        place.mkdir(parents=True)
        save_network(self._network, place)
        save_tokenizer(self._tokenizer, place)

    async def _ask(self, path: str, body: dict[str, Any] | None = None) -> None:
        try:
            await self._control.tell(path, body or {})
        except AttributedError as error:
            raise JourneymanError(
                f"the server did not take the weights: {path.partition('?')[0]}: {error.detail}",
                "start it with VLLM_SERVER_DEV_MODE=1, for this run alone, where it reads "
                f"{self._folder}",
            ) from None
