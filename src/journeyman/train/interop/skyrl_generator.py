"""A taskset's rollouts as a generator of SkyRL: its engines draw, our scaffold and sandbox do the rest.

    class Experiment(BasePPOExp):
        def get_generator(self, cfg, tokenizer, inference_engine_client):
            return JourneymanGenerator(inference_engine_client, tokenizer, config, num_tokens=32768)

Rows of the data set name their task: `env_extras = {"instance_id": …}`. Token ids and log-probabilities
are those that the engine gave.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from skyrl.backends.skyrl_train.inference_servers.base import InferenceEngineInput
from skyrl.train.generators.base import GeneratorInput, GeneratorInterface, GeneratorOutput

from journeyman.flow import RolloutConfig
from journeyman.tasks import load_taskset
from journeyman.train.interop.token_player import Drawn, TokenPlayer, TokenSequence, play_tokens
from journeyman.types import Rollout, Sampling

__all__ = ["JourneymanGenerator"]


class JourneymanGenerator(GeneratorInterface):
    """Plays one rollout for every row of a batch, all at once, in the order of the batch."""

    def __init__(
        self,
        inference_engine_client: Any,
        tokenizer: Any,
        config: RolloutConfig,
        *,
        num_tokens: int,
        num_attempts: int = 3,
        model: str | None = None,
    ) -> None:
        """`config.limits` bound each rollout; `num_tokens` is the longest response trained on."""
        self._client = inference_engine_client
        self._tokenizer = tokenizer
        self._config = config
        self._taskset = load_taskset(config.taskset)
        self._num_tokens = num_tokens
        self._num_attempts = num_attempts
        self._model = model

    async def generate(self, input_batch: GeneratorInput) -> GeneratorOutput:
        """Play a batch. Raises `RuntimeError` where the machine failed one again and again."""
        extras = input_batch["env_extras"] or []
        sessions = input_batch.get("trajectory_ids") or list(range(len(extras)))
        asked = input_batch.get("sampling_params") or {}
        started = time.monotonic()
        played = await asyncio.gather(
            *(
                self._play(str(row["instance_id"]), str(session), asked)
                for row, session in zip(extras, sessions, strict=True)
            )
        )
        sequences = [it.cut(self._num_tokens) for _, it in played]
        logprobs = [it.logprobs for it in sequences]
        rollouts = [it for it, _ in played]
        return {
            "prompt_token_ids": [it.prompt_ids for it in sequences],
            "response_ids": [it.response_ids for it in sequences],
            "rewards": [_reward(it) for it in rollouts],
            "loss_masks": [it.is_drawn for it in sequences],
            "stop_reasons": [_stop_reason(it) for it in rollouts],
            "rollout_metrics": _metrics(rollouts, time.monotonic() - started),
            "rollout_logprobs": None if None in logprobs else logprobs,
            "trajectory_ids": input_batch.get("trajectory_ids"),
            "rollout_expert_indices": None,
            "is_last_step": None,
        }

    async def _play(
        self, instance_id: str, session: str, asked: Mapping[str, Any]
    ) -> tuple[Rollout, TokenSequence]:
        async def draw(prompt: Sequence[int], sampling: Sampling) -> Drawn:
            wanted = {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                **asked,
                "max_tokens": sampling.max_tokens,
                **player.stop_fields(sampling),
            }
            given = InferenceEngineInput(
                prompt_token_ids=[list(prompt)], session_ids=[session], sampling_params=wanted
            )
            more = {"model": self._model} if self._model else {}
            done = await self._client.generate(given, **more)
            logprobs = done.get("response_logprobs")
            return Drawn(
                tuple(done["response_ids"][0]),
                tuple(logprobs[0]) if logprobs else (),
                done["stop_reasons"][0] == "length",
            )

        player = TokenPlayer(self._tokenizer, draw)
        return await play_tokens(
            self._taskset, instance_id, self._config, player, num_attempts=self._num_attempts
        )


def _reward(rollout: Rollout) -> float:
    assert rollout.reward is not None
    return rollout.reward.value


def _stop_reason(rollout: Rollout) -> str:
    """Return `stop` for a rollout that its agent ended, `length` for one that a limit did."""
    return "stop" if rollout.ending.value == "submitted" else "length"


def _metrics(rollouts: Sequence[Rollout], duration_s: float) -> dict[str, float]:
    num = max(1, len(rollouts))
    solved = sum(bool(it.verdict and it.verdict.is_resolved) for it in rollouts)
    return {
        "generate/solve_rate": solved / num,
        "generate/avg_num_turns": sum(it.num_turns for it in rollouts) / num,
        "generate/duration_s": duration_s,
    }
