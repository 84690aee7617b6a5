"""Who teaches in a distillation, and what is measured of everybody: base, experts, student.

school = School(settings, run_folder, student, tokenizer)
await school.admit()          # measures base and experts, refuses those with nothing to teach
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from pathlib import Path

import torch

from journeyman.errors import JourneymanError
from journeyman.flow.plan import select_tasks
from journeyman.models.local_settings import LocalSettings
from journeyman.models.torch_local import TorchLocalModel
from journeyman.tasks import Taskset, load_taskset
from journeyman.train.corpus import find_files
from journeyman.train.distill.draw import roll_domain
from journeyman.train.distill.retention import Measures, check_teacher, rate_of
from journeyman.train.distill.settings import DistillSettings, Domain
from journeyman.train.documents import Encoded
from journeyman.train.documents.conversation import Conversation, read_conversations
from journeyman.train.model.folder import load_network
from journeyman.train.model.network import Network
from journeyman.train.rl.selection import check_disjoint
from journeyman.train.tokenizer import PlainTokenizer, load_tokenizer
from journeyman.train.trainer.rows import RowSource, make_batch

__all__ = ["School", "open_local"]


@contextlib.asynccontextmanager
async def open_local(
    network: Network, tokenizer: PlainTokenizer, settings: DistillSettings, version: str
) -> AsyncIterator[TorchLocalModel]:
    """Sample a network in this process until the end of the block."""
    local = LocalSettings(num_slots=settings.num_slots, num_threads=settings.num_threads)
    network.eval()
    model = TorchLocalModel("policy", network.base, tokenizer.tokenizer, local, version=version)
    try:
        yield model
    finally:
        await model.close()


class School:
    """Teachers by domain, their tasks, and measurements."""

    def __init__(
        self,
        settings: DistillSettings,
        folder: Path,
        tokenizer: PlainTokenizer,
        say: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.measures = Measures(folder)
        self._home = folder / "rollouts"
        self._tokenizer = tokenizer
        self._say = say
        self._load = lru_cache(maxsize=None)(self._load_teacher)
        self.tasksets: dict[str, Taskset] = {}
        self.names: dict[str, list[str]] = {}
        self.conversations: dict[str, list[Conversation]] = {}
        self._held_out: dict[str, Taskset] = {}
        for domain in settings.domains:
            self._enrol(domain)

    def _enrol(self, domain: Domain) -> None:
        learned: list[str] = []
        if domain.taskset is not None:
            self.tasksets[domain.name] = load_taskset(domain.taskset)
            learned = list(select_tasks(self.tasksets[domain.name], domain.tasks))
            self.names[domain.name] = learned
        elif domain.prompts is not None:
            self.conversations[domain.name] = list(read_conversations(domain.prompts))
            if not self.conversations[domain.name]:
                raise JourneymanError(f"{domain.prompts} is empty", "give some conversations")
        if domain.held_out is not None:
            held = self._held_out[domain.name] = load_taskset(domain.held_out)
            names = [it.instance_id for it in held.tasks]
            check_disjoint(learned, names, f"the held-out tasks of {domain.name}")
        elif domain.teacher is not None and not self.settings.accepts_weak_teachers:
            raise JourneymanError(
                f"domain {domain.name} has no held_out, so its expert cannot be compared to the base",
                "give held_out, or accepts_weak_teachers = true",
            )

    def teacher_of(self, domain: Domain) -> Network:
        """Return the frozen network that teaches a domain."""
        return self._load(domain.teacher or self.settings.model)

    def _load_teacher(self, folder: Path) -> Network:
        own = load_tokenizer(folder).tokenizer.get_vocab(with_added_tokens=True)
        if own != self._tokenizer.tokenizer.get_vocab(with_added_tokens=True):
            raise JourneymanError(
                f"the teacher in {folder} has another vocabulary than the student",
                "distil from models that were trained from the student's own base",
            )
        network = load_network(folder)
        network.requires_grad_(False)
        network.eval()
        return network

    async def admit(self) -> None:
        """Measure the base and every expert once; refuse an expert that has nothing to teach."""
        base = self._load(self.settings.model)
        await self.measure("base", base, self.settings.domains)
        for domain in self.settings.domains:
            if domain.teacher is None:
                continue
            who = f"expert {domain.name}"
            await self.measure(who, self.teacher_of(domain), (domain,))
            found = self.measures.get(who, domain.name)
            if found is not None and not self.settings.accepts_weak_teachers:
                check_teacher(domain.name, self.measures.get("base", domain.name), found)

    async def measure(
        self, who: str, network: Network, domains: tuple[Domain, ...], *, step: int | None = None
    ) -> None:
        """Let a network, as it is after a step, do the held-out tasks of some domains, and lose on other
        text."""
        owed = [it for it in domains if it.held_out and self.measures.get(who, it.name) is None]
        if owed:
            async with open_local(network, self._tokenizer, self.settings, who) as model:
                for domain in owed:
                    await self._measure(who, domain, model, "" if step is None else f"_{step:06d}")
        if self.settings.general and self.measures.get(who, "_general_loss") is None:
            self.measures.put(who, "_general_loss", self._loss(network))

    async def _measure(self, who: str, domain: Domain, model: TorchLocalModel, after: str) -> None:
        held_out = self._held_out[domain.name]
        name = f"evaluation_{who.replace(' ', '_')}{after}_{domain.name}"
        rollouts = await roll_domain(
            self.settings, domain, self._home, name, held_out,
            [it.instance_id for it in held_out.tasks], model,
            n=domain.evaluation_size, seed=self.settings.seed,
        )  # fmt: skip
        valid = [it for it in rollouts if it.reward is not None and it.reward.is_valid]
        solved = sum(bool(it.verdict and it.verdict.is_resolved) for it in valid)
        found = rate_of(solved, len(valid))
        self.measures.put(who, domain.name, found)
        self._say(
            f"{who} on {domain.name}: {found['rate']:.0%} "
            f"({found['low']:.0%} to {found['high']:.0%}) of {len(valid)}"
        )

    @torch.no_grad()
    def _loss(self, network: Network) -> float:
        rows = self._general_rows()
        device = next(network.parameters()).device
        total, count = 0.0, 0
        for number in range(min(len(rows), self.settings.general_rows)):
            batch = make_batch(rows.of_step(number, rows_per_step=1), device)
            output = network(batch.token_ids, batch.targets, batch.positions, batch.is_real)
            total += float(output.token_losses_N.sum())
            count += len(output.token_losses_N)
        return total / max(1, count)

    def _general_rows(self) -> RowSource:
        texts = [self._tokenizer.plain_ids(it.text) for it in find_files(self.settings.general)]
        documents = [Encoded.of(it, [1] * len(it), "general") for it in texts]
        return RowSource(
            documents,
            capacity=self.settings.row_length,
            pad_id=self._tokenizer.pad_id,
            seed=0,
        )
