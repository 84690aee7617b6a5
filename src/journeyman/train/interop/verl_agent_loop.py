"""A taskset's rollouts as an agent loop of verl: its server draws, our scaffold and sandbox do the rest.

    # agent_loops.yaml, named by actor_rollout_ref.rollout.agent.agent_loop_config_path
    - name: journeyman
      _target_: journeyman.train.interop.verl_agent_loop.JourneymanAgentLoop
      taskset: tasksets/mine
      scaffold: bash

`verl_rows(taskset)` are the rows of its data set. The response is one sequence of the tokens that were
drawn and shown, with their log-probabilities where verl asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput

from journeyman.errors import JourneymanError
from journeyman.flow import RolloutConfig
from journeyman.scaffolds.session import SessionLimits
from journeyman.tasks import Taskset, load_taskset
from journeyman.train.interop.token_player import Drawn, TokenPlayer, play_tokens
from journeyman.types import Sampling

__all__ = ["JourneymanAgentLoop", "verl_rows"]


def verl_rows(taskset: Taskset) -> list[dict[str, Any]]:
    """Return the rows of verl's data set, one for each task; the prompt is the scaffold's to write."""
    return [
        {
            "prompt": [{"role": "user", "content": task.problem_statement}],
            "agent_name": "journeyman",
            "data_source": f"journeyman/{taskset.name}",
            "reward_model": {"style": "rule", "ground_truth": ""},
            "extra_info": {"index": index, "instance_id": task.instance_id},
        }
        for index, task in enumerate(taskset.tasks)
    ]


class JourneymanAgentLoop(AgentLoopBase):
    """Plays the task that a row names in `extra_info`, and returns its tokens and its reward."""

    def __init__(
        self,
        *args: Any,
        taskset: str,
        scaffold: str = "bash",
        template: str = "hermes",
        sandbox: str = "namespace",
        guard: str = "rules",
        num_turns: int = 30,
        num_attempts: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._taskset = load_taskset(Path(taskset))
        self._num_attempts = num_attempts
        rollout = self.rollout_config
        context_tokens = rollout.prompt_length + rollout.response_length
        self._rollout_config = RolloutConfig(
            taskset=self._taskset.folder,
            scaffold=scaffold,
            template=template,
            sandbox=sandbox,
            guard=guard,
            limits=SessionLimits(num_turns=num_turns, context_tokens=context_tokens),
            sampling=Sampling(max_tokens=rollout.response_length),
        )

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> AgentLoopOutput:
        """Play one rollout. Raises `JourneymanError` where its prompt is longer than verl's."""
        name = str(kwargs["extra_info"]["instance_id"])
        request_id, routed = uuid4().hex, list[Any]()
        # Values that numpy made are no JSON.
        priority = int(kwargs.get("priority", 0))

        async def draw(prompt: Sequence[int], sampling: Sampling) -> Drawn:
            asked = {**sampling_params, "max_tokens": sampling.max_tokens}
            done = await self.server_manager.generate(
                request_id=request_id,
                prompt_ids=list(prompt),
                sampling_params={**asked, **player.stop_fields(sampling)},
                priority=priority,
            )
            routed.append(done.routed_experts)
            is_cut = len(done.token_ids) >= sampling.max_tokens
            return Drawn(tuple(done.token_ids), tuple(done.log_probs or ()), is_cut)

        player = TokenPlayer(self.tokenizer, draw)
        rollout, sequence = await play_tokens(
            self._taskset,
            name,
            self._rollout_config,
            player,
            num_attempts=self._num_attempts,
        )
        lengths = self.rollout_config
        if len(sequence.prompt_ids) > lengths.prompt_length:
            raise JourneymanError(
                f"the prompt of {name} has {len(sequence.prompt_ids)} tokens",
                "raise actor_rollout_ref.rollout.prompt_length",
            )
        sequence = sequence.cut(lengths.response_length)
        num_tokens = len(sequence.prompt_ids) + len(sequence.response_ids)
        assert rollout.reward is not None
        return AgentLoopOutput(
            prompt_ids=sequence.prompt_ids,
            response_ids=sequence.response_ids,
            response_mask=sequence.is_drawn,
            response_logprobs=sequence.logprobs,
            # What the last request was routed by covers all that came before it.
            routed_experts=routed[-1][:num_tokens] if routed[-1] is not None else None,
            reward_score=rollout.reward.value,
            num_turns=2 * rollout.num_turns,
            metrics={"generate_sequences": 0.0, "tool_calls": 0.0},
            extra_fields={"turn_scores": [], "tool_rewards": [], "ending": rollout.ending.value},
        )
