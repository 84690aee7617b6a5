"""How large each reproduction is: numbers of tasks, steps and seeds, and nothing else.

`smoke` tries the machine in minutes and says nothing about learning; `tiny` is for two cores and
some 70 minutes; `small` for a workstation and a day, `gpu` for one accelerator. What was run is in
docs/reproduce.md.

    >>> get_scale("tiny").seeds
    (0,)
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from journeyman.errors import JourneymanError
from journeyman.types import Data

__all__ = ["DOMAINS", "KINDS", "SCALES", "Expert", "Scale", "Source", "Training", "get_scale"]

DOMAINS = ("software", "single-turn", "experience", "web")
"""The four experts of the report, in the order of `docs/experts.md` but for the web, which is
dearest."""


KINDS = (
    *("comparison_change", "arithmetic_change", "boolean_operator_change", "boundary_shift"),
    *("negated_condition", "wrong_constant", "augmented_assignment_change", "dropped_unary"),
    *("default_argument_change", "return_value_change"),
)
"""Kinds of bugs that change one line, as tasks and as untested repairs."""


class Training(Data):
    """One supervised training."""

    num_steps: int
    rows_per_step: int = 4
    row_length: int = 1024
    learning_rate: float = 3e-3
    precision: Literal["float32", "bfloat16"] = "float32"
    prompt_weight: float = 0.0
    """What a token of a prompt counts, where conversations are trained on."""


class Expert(Data):
    """One expert's reinforcement learning, and how it is measured."""

    num_steps: int
    tasks_per_step: int = 8
    group_size: int = 8
    learning_rate: float = 5e-4
    samples: int = 2
    """Rollouts of each held-out task by which a policy is measured."""
    distill_weight: float = 1.0
    """Weight of its lessons in distillation. Each domain is a mean over its tokens, so that a token of
    a long answer, where most are certain, moves little."""
    distills_texts: bool = False
    """Whether its lessons begin with the practised texts, which are many and of the same form, and not
    with the tasks it learned on: a student of few prompts learns what its teacher says to those."""


class Source(Data):
    """A project that tasks are made of."""

    name: str
    """On the package index; or `bundled` and `made-up`, which need none."""
    num_tasks: int
    exclude: tuple[str, ...] = ()
    """Files that are left alone."""


class Scale(Data):
    """All the sizes of one reproduction."""

    name: str
    what: str
    domains: tuple[str, ...] = DOMAINS
    seeds: tuple[int, ...] = (0, 1)

    # tasks
    learned: tuple[Source, ...]
    """What the software expert learns on; one-line faults in short functions."""
    held_out: tuple[Source, ...]
    """What everybody is measured on, and nobody learns from."""
    functions_learned: Source = Source(name="made-up", num_tasks=48)
    functions_held_out: Source = Source(name="made-up", num_tasks=48)
    max_function_lines: int = 14
    kinds: tuple[str, ...] = KINDS
    """Kinds of faults in software tasks and in the repairs that are practised."""
    call_templates: tuple[str, ...] = ("hermes", "qwen3_coder", "llama4_json", "xlam_qwen")
    calls: Literal["library", "made-up"] = "library"
    """Tools of the standard library, or made-up ones whose names and values a small policy can spell."""
    calls_learned: int = 16
    """Tasks in each template."""
    calls_held_out: int = 16
    pages_learned: int = 24
    pages_held_out: int = 24

    # texts
    practised: tuple[str, ...] = ("sympy", "networkx", "mpmath", "pygments", "jinja2", "rich")
    """Packages installed beside Journeyman, whose functions get untested faults; those that are
    there."""
    has_real_functions: bool = True
    """Whether functions of those packages are practised, beside made-up ones: most are beyond a small
    policy, which then learns to fail at all."""
    num_every_repair: int = 0
    """Repairs that mid-training reads, and of which those of fine-tuning are drawn; 0 for all."""
    num_repairs: int = 12_000
    """More lines than there are of a kind repeat them."""
    num_functions: int = 3_000
    num_exercises: int = 2_000
    num_page_texts: int = 3_000
    wrong_share: float = 0.0
    """Share of repairs and made-up texts whose answer is wrong: nobody tested them."""
    text_templates: tuple[str, ...] = ()
    """Templates that texts are written in; those of the calls where none is given."""

    # the policy
    vocabulary: int = 1_536
    width: int = 128
    num_layers: int = 4
    row_length: int = 1024
    midtrains_on: Literal["files", "repairs"] = "files"
    """Source files, or every untested repair: a small policy first has to learn to copy a line."""
    midtrain: Training = Training(num_steps=60)
    sft: Training = Training(num_steps=700)

    # experts, and one model of them
    experts: dict[str, Expert]
    admits_all_experts: bool = False
    """Whether an expert teaches that does not beat the base: to try the machine alone."""
    distill_steps: int = 12
    distill_tasks: int = 4
    distill_rate: float = 3e-4
    distills_from: Literal["average", "ties"] = "average"
    """What the student begins as: the experts merged, which is a baseline too."""
    student_seeds: int = 1
    """Of how many seeds the experts are distilled."""

    # demonstrations
    hacking_steps: int = 6
    hacking_sft_steps: int = 320
    hacking_seeds: int = 1
    scaffolds: tuple[str, ...] = ("words", "line", "answer", "editor", "bash")
    curve_numbers: tuple[int, ...] = (0, 1, 5)
    curve_steps: int = 60
    curve_templates: tuple[str, ...] = ("hermes", "qwen3_coder", "llama4_json", "mistral3", "glm46")
    num_questions: int = 4
    """Of each template, in the exams of Figure 5 and after."""
    packing_documents: int = Field(default=200_000, ge=100)

    # for the estimate: guesses, not measurements
    tokens_per_s: float = 6_000
    rollouts_per_s: float = 4
    tasks_per_s: float = 0.7


def get_scale(name: str) -> Scale:
    """Return a scale; `JourneymanError` for a name that there is not."""
    if name not in SCALES:
        raise JourneymanError(f"no scale {name!r}", f"one of {', '.join(SCALES)}")
    return SCALES[name]


_SMOKE = Scale(
    name="smoke",
    what="minutes; tries the machine, and says nothing about learning",
    domains=("software", "single-turn"),
    seeds=(0,),
    learned=(
        Source(name="bundled", num_tasks=2, exclude=("*/text.py", "*/table.py", "*/graph.py")),
    ),
    held_out=(Source(name="bundled", num_tasks=2, exclude=("*/cache.py", "*/durations.py")),),
    functions_learned=Source(name="made-up", num_tasks=2),
    functions_held_out=Source(name="made-up", num_tasks=2),
    calls_learned=1,
    calls_held_out=1,
    call_templates=("hermes",),
    pages_learned=1,
    pages_held_out=1,
    practised=("jinja2",),
    num_repairs=40,
    num_functions=20,
    num_exercises=8,
    num_page_texts=8,
    vocabulary=512,
    width=32,
    num_layers=1,
    midtrain=Training(num_steps=2, rows_per_step=1),
    sft=Training(num_steps=3, rows_per_step=1),
    experts={it: Expert(num_steps=1, tasks_per_step=2, group_size=2, samples=1) for it in DOMAINS},
    admits_all_experts=True,
    distill_steps=1,
    distill_tasks=1,
    hacking_steps=1,
    hacking_sft_steps=2,
    scaffolds=("words", "line"),
    curve_numbers=(0, 1),
    curve_steps=1,
    curve_templates=("hermes",),
    num_questions=1,
    packing_documents=2_000,
)

_TINY = Scale(
    name="tiny",
    what="70 minutes of two cores; a Llama of a million parameters",
    seeds=(0,),
    learned=(Source(name="toolz", num_tasks=60), Source(name="boltons", num_tasks=140)),
    held_out=(
        Source(name="more-itertools", num_tasks=30),
        Source(name="humanize", num_tasks=20),
        Source(name="cachetools", num_tasks=10),
    ),
    # What a policy of this size learns: an operator, a condition or a number that is wrong.
    kinds=("comparison_change", "boolean_operator_change", "negated_condition", "wrong_constant"),
    functions_learned=Source(name="made-up", num_tasks=36),
    functions_held_out=Source(name="made-up", num_tasks=36),
    call_templates=("hermes", "qwen3_coder", "xlam_qwen"),
    calls="made-up",
    calls_learned=160,
    calls_held_out=60,
    pages_learned=16,
    pages_held_out=20,
    has_real_functions=False,
    num_every_repair=36_000,
    num_repairs=5_000,
    num_functions=700,
    num_exercises=4_000,
    num_page_texts=2_000,
    wrong_share=0.4,
    text_templates=("hermes=2", "qwen3_coder", "xlam_qwen"),
    vocabulary=768,
    midtrains_on="repairs",
    midtrain=Training(
        num_steps=1_500,
        rows_per_step=8,
        row_length=512,
        learning_rate=3e-3,
        precision="bfloat16",
        prompt_weight=0.1,
    ),
    sft=Training(num_steps=900, learning_rate=2e-3, precision="bfloat16", prompt_weight=0.1),
    experts={
        "software": Expert(
            num_steps=20,
            tasks_per_step=12,
            group_size=16,
            learning_rate=3e-4,
            samples=8,
            distill_weight=3,
            distills_texts=True,
        ),
        "single-turn": Expert(
            num_steps=12,
            group_size=16,
            learning_rate=2e-4,
            samples=12,
            distill_weight=8,
            distills_texts=True,
        ),
        "experience": Expert(
            num_steps=12, tasks_per_step=12, learning_rate=2e-4, samples=4, distill_weight=4
        ),
        "web": Expert(
            num_steps=12,
            tasks_per_step=16,
            learning_rate=2e-4,
            samples=6,
            distill_weight=4,
            distills_texts=True,
        ),
    },
    distill_steps=60,
    distill_tasks=8,
    distill_rate=4e-4,
    distills_from="ties",
    scaffolds=("words", "line", "editor"),
    hacking_steps=24,
)

_SMALL = Scale(
    name="small",
    what="a day of a workstation; a Llama of ten million parameters",
    seeds=(0, 1, 2),
    learned=(
        *(Source(name="toolz", num_tasks=70), Source(name="boltons", num_tasks=120)),
        *(Source(name="jmespath", num_tasks=40), Source(name="sortedcontainers", num_tasks=40)),
    ),
    held_out=(
        *(Source(name="more-itertools", num_tasks=110), Source(name="cachetools", num_tasks=60)),
        *(Source(name="humanize", num_tasks=80), Source(name="tomlkit", num_tasks=60)),
        *(Source(name="sqlparse", num_tasks=40), Source(name="natsort", num_tasks=40)),
    ),
    functions_learned=Source(name="made-up", num_tasks=120),
    functions_held_out=Source(name="made-up", num_tasks=120),
    calls_learned=20,
    calls_held_out=20,
    call_templates=(
        *("hermes", "qwen3_coder", "llama4_json", "xlam_qwen", "mistral3", "glm46"),
        *("deepseekv31", "kimik2", "seed_oss", "minimax_m2"),
    ),
    pages_learned=60,
    pages_held_out=60,
    num_repairs=60_000,
    num_functions=12_000,
    num_exercises=8_000,
    num_page_texts=8_000,
    vocabulary=4_096,
    width=320,
    num_layers=6,
    midtrain=Training(num_steps=2_000, rows_per_step=8, learning_rate=2e-3),
    sft=Training(num_steps=6_000, rows_per_step=8, learning_rate=2e-3),
    experts={
        "software": Expert(num_steps=60, learning_rate=2e-4),
        "single-turn": Expert(num_steps=40, learning_rate=2e-4),
        "experience": Expert(num_steps=40, learning_rate=2e-4),
        "web": Expert(num_steps=30, learning_rate=2e-4, samples=1),
    },
    distill_steps=60,
    distill_tasks=8,
    student_seeds=3,
    hacking_steps=16,
    hacking_seeds=2,
    curve_numbers=(0, 1, 5, 21),
    curve_steps=600,
    num_questions=10,
    packing_documents=1_000_000,
    tokens_per_s=1_500,
)

_GPU = _SMALL.model_copy(
    update={
        "name": "gpu",
        "what": "some hours of one accelerator; a Llama of seventy million parameters",
        "vocabulary": 8_192,
        "width": 768,
        "num_layers": 10,
        "row_length": 2048,
        "midtrain": Training(
            num_steps=6_000, rows_per_step=32, row_length=2048, learning_rate=6e-4
        ),
        "sft": Training(num_steps=6_000, rows_per_step=32, row_length=2048, learning_rate=6e-4),
        "experts": {
            "software": Expert(num_steps=80, tasks_per_step=16, group_size=16, learning_rate=5e-5),
            "single-turn": Expert(
                num_steps=60, tasks_per_step=16, group_size=16, learning_rate=5e-5
            ),
            "experience": Expert(
                num_steps=60, tasks_per_step=16, group_size=16, learning_rate=5e-5
            ),
            "web": Expert(num_steps=40, group_size=16, learning_rate=5e-5),
        },
        "distill_rate": 5e-5,
        "tokens_per_s": 60_000,
        "rollouts_per_s": 20,
        "tasks_per_s": 4,
    }
)

SCALES = {it.name: it for it in (_SMOKE, _TINY, _SMALL, _GPU)}
