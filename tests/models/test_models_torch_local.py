"""Sampling with PyTorch: exact tokens, whoever is drawn beside, and weights changed in place."""

import asyncio
import gc
import math
import random
import weakref
from pathlib import Path

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models import ContextOverflowError, LocalSettings, Piece, open_model
from journeyman.models.local_row import GrowingText
from journeyman.types import Completion, Prompt, Sampling

torch = pytest.importorskip("torch", reason="needs the extra train: make setup-training")
transformers = pytest.importorskip("transformers", reason="needs the extra train")

from journeyman.models.torch_local import TorchLocalModel  # noqa: E402
from journeyman.models.torch_local.draw import draw  # noqa: E402

VOCABULARY = 260
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "eos_token_id": None,
}
LINEAR = {
    "head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
}


def _module(kind: str, seed: int = 0):
    more = {"mistral": {"sliding_window": 8}, "qwen3_next": LINEAR}.get(kind, {})
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(kind, **SIZES, **more)
    return transformers.AutoModelForCausalLM.from_config(config).eval()


def _tokenizer():
    """One token a byte."""
    tokenizers = pytest.importorskip("tokenizers")
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = {sign: number for number, sign in enumerate(alphabet)}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(["<|end|>"])
    return made


def _model(kind: str = "llama", **settings) -> TorchLocalModel:
    return TorchLocalModel(
        "it", _module(kind), _tokenizer(), LocalSettings(num_threads=1, **settings)
    )


def _prompt(*tokens: int) -> Prompt:
    return Prompt(messages=(), token_ids=tokens)


def _expected(module, prompt, drawn) -> list[float]:
    """Log-probabilities by one pass over everything, without any cache."""
    ids = [*prompt, *drawn]
    with torch.no_grad():
        logits = module(torch.tensor([ids])).logits[0].float().log_softmax(-1)
    return [logits[at - 1, ids[at]].item() for at in range(len(prompt), len(ids))]


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen3_next"])
async def test_what_is_drawn_together_is_as_if_it_were_drawn_alone(kind):
    """Rows of all lengths come and go, prompts share beginnings, conversations go on."""
    model = _model(kind, num_slots=3, num_read_tokens=16)
    chance = random.Random(4)
    shared = [chance.randrange(VOCABULARY) for _ in range(40)]
    done: list[tuple[list[int], Completion]] = []

    async def talk(number: int) -> None:
        own = [chance.randrange(VOCABULARY) for _ in range(chance.randrange(6))]
        tokens = [*shared[: chance.randrange(1, 40)], *own] if number % 3 else shared
        for _ in range(2):
            sampling = Sampling(temperature=number % 2, max_tokens=chance.randrange(1, 12))
            found = await model.complete(_prompt(*tokens), sampling)
            done.append((tokens, found))
            tokens = [*tokens, *found.token_ids, chance.randrange(VOCABULARY)]

    try:
        await asyncio.gather(*map(talk, range(12)))
    finally:
        await model.close()
    for tokens, found in done:
        assert found.logprobs == pytest.approx(
            _expected(model.module, tokens, found.token_ids), abs=1e-4
        )
        assert found.num_completion_tokens == len(found.token_ids) > 0
        assert found.finish_reason == "length"


async def test_greedy_is_what_the_library_generates():
    model = _model("qwen3_next")
    try:
        done = await model.complete(_prompt(5, 6, 7), Sampling(temperature=0.0, max_tokens=20))
    finally:
        await model.close()
    whole = model.module.generate(torch.tensor([[5, 6, 7]]), do_sample=False, max_new_tokens=20)
    assert list(done.token_ids) == whole[0, 3:].tolist()


async def test_a_seed_gives_the_same_whoever_is_beside():
    model = _model(prefix_bytes=0)
    one = Sampling(max_tokens=16, seed=9, top_p=0.95)
    others = [Sampling(max_tokens=9 + it, temperature=0.7) for it in range(6)]
    try:
        alone = await model.complete(_prompt(1, 2, 3), one)
        many = await asyncio.gather(
            *(model.complete(_prompt(*range(4, 20)), each) for each in others[:3]),
            model.complete(_prompt(1, 2, 3), one),
            *(model.complete(_prompt(30), each) for each in others[3:]),
        )
        again = [await model.complete(_prompt(1, 2, 3), Sampling(max_tokens=16)) for _ in range(2)]
    finally:
        await model.close()
    assert many[3].token_ids == alone.token_ids
    assert again[0].token_ids != again[1].token_ids


async def test_a_stream_is_the_completion_and_stops_where_it_is_told():
    model = _model()
    sampling = Sampling(max_tokens=60, seed=3)
    try:
        whole = await model.complete(_prompt(1, 2), sampling)
        stop = whole.text[len(whole.text) // 2 :][:2]
        stopped = Sampling(max_tokens=60, seed=3, stop=(stop,))
        items = [item async for item in model.stream(_prompt(1, 2), stopped)]
    finally:
        await model.close()
    *pieces, done = items
    assert all(isinstance(it, Piece) for it in pieces)
    assert "".join(it.text for it in pieces) == done.text
    assert done.text == whole.text[: whole.text.index(stop)]
    assert done.stop_text.startswith(stop)
    assert done.finish_reason == "stop"
    assert tuple(token for it in pieces for token in it.token_ids) == done.token_ids
    assert done.token_ids == whole.token_ids[: len(done.token_ids)]


async def test_the_token_that_ends_a_turn_is_kept_but_not_shown():
    module = _module("llama")
    module.config.eos_token_id = list(range(0, VOCABULARY, 3))
    model = TorchLocalModel("it", module, _tokenizer())
    try:
        done = await model.complete(_prompt(1), Sampling(max_tokens=100, seed=1))
    finally:
        await model.close()
    assert done.finish_reason == "stop"
    assert done.token_ids[-1] % 3 == 0
    assert all(token % 3 for token in done.token_ids[:-1])
    assert done.stop_text == model._decode(done.token_ids[-1:])


async def test_the_weights_change_between_completions_never_within_one():
    model = _model()
    fresh = _module("llama", seed=1).state_dict()
    sampling = Sampling(temperature=0.0, max_tokens=40)
    try:
        before = asyncio.create_task(model.complete(_prompt(1, 2, 3), sampling))
        await asyncio.sleep(0.01)
        replaced = asyncio.create_task(model.replace_weights(fresh, version="1"))
        await asyncio.sleep(0)
        after = await model.complete(_prompt(1, 2, 3), sampling)
        await replaced
        old, is_version = await before, model.version
        module = _module("llama", seed=1)
    finally:
        await model.close()
    assert (old.model_version, after.model_version, is_version) == ("0", "1", "1")
    first = _expected(_module("llama"), (1, 2, 3), old.token_ids)
    assert old.logprobs == pytest.approx(first, abs=1e-4)
    second = _expected(module, (1, 2, 3), after.token_ids)
    assert after.logprobs == pytest.approx(second, abs=1e-4)


async def test_weights_that_do_not_fit_change_nothing():
    model = _model()
    good = _module("llama", seed=1).state_dict()
    name = "model.embed_tokens.weight"
    wrong = [
        ({**good, "odd": good[name]}, "odd is no weight"),
        ({key: it for key, it in good.items() if key != name}, f"{name} is missing"),
        ({**good, name: good[name][:7]}, "shape"),
    ]
    was = model.module.state_dict()[name].clone()
    try:
        for state, words in wrong:
            with pytest.raises(JourneymanError, match=words):
                await model.replace_weights(state, version="1")
        done = await model.complete(_prompt(1), Sampling(max_tokens=1))
    finally:
        await model.close()
    assert done.model_version == "0"
    assert torch.equal(model.module.state_dict()[name], was)


async def test_batches_that_follow_one_another_take_no_more_room():
    model = _model()
    slots = model._worker._deck._slots
    sizes = []
    for at in range(12):
        # Each begins when none is left, with a prompt of its own.
        await model.complete(_prompt(*range(3, 40 + at % 2)), Sampling(max_tokens=4, seed=at))
        sizes.append(slots.capacity)
    assert sizes[1:] == sizes[:-1]
    await model.close()


async def test_a_closed_model_gives_its_room_back_at_once():
    """Not when the collector comes: tensors are large, and too few objects to call it."""
    model = _model()
    await model.complete(_prompt(1, 2, 3), Sampling(max_tokens=4, seed=0))
    await model.close()
    slots = weakref.ref(model._worker._deck._slots)
    gc.disable()
    try:
        model._worker._deck._slots = None
        assert slots() is None
    finally:
        gc.enable()


async def test_one_that_nobody_waits_for_makes_room():
    model = _model(num_slots=1)
    try:
        stream = model.stream(_prompt(1), Sampling(max_tokens=120))
        async for _ in stream:
            break
        await stream.aclose()
        done = await model.complete(_prompt(2), Sampling(max_tokens=2))
    finally:
        await model.close()
    assert done.num_completion_tokens == 2


async def test_what_cannot_be_is_said():
    model = _model()
    try:
        with pytest.raises(ContextOverflowError, match="128 tokens > 128"):
            await model.complete(_prompt(*[1] * 128), Sampling())
        full = await model.complete(_prompt(*[1] * 120), Sampling(max_tokens=500))
        for tokens in ((), (VOCABULARY,)):
            with pytest.raises(AttributedError, match="unknown tokens"):
                await model.complete(_prompt(*tokens), Sampling())
        waiting = asyncio.create_task(model.complete(_prompt(1), Sampling(max_tokens=120)))
        await asyncio.sleep(0.01)
    finally:
        await model.close()
        await model.close()
    assert (full.num_completion_tokens, full.finish_reason) == (8, "length")
    with pytest.raises(AttributedError, match="closed"):
        await waiting
    with pytest.raises(AttributedError, match="closed"):
        await model.complete(_prompt(1), Sampling())


async def test_a_folder_is_opened_by_its_name(tmp_path: Path):
    folder = tmp_path / "policy"
    _module("qwen3_next").save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=_tokenizer(), eos_token="<|end|>")
    fast.save_pretrained(folder)
    model = await open_model(f"hf:{folder}")
    try:
        text = "héllo <|end|>"
        tokens = await model.tokenize(text)
        done = await model.complete(Prompt(messages=(), text=text), Sampling(max_tokens=4))
    finally:
        await model.close()
    assert model.name == "hf:policy"
    assert tokens[-1] == 256
    assert done.prompt_token_ids == tokens
    with pytest.raises(JourneymanError, match="no model in"):
        await open_model(f"hf:{tmp_path}")
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(JourneymanError, match="cannot be read"):
        await open_model(f"hf:{folder}")


def test_drawing_follows_the_distribution():
    class Sample:
        """As much of a row as drawing looks at."""

        def __init__(self, seed: int, top_p: float, temperature: float) -> None:
            self.chance = random.Random(seed)
            self.sampling = Sampling(temperature=temperature, top_p=top_p)

    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    for top_p, temperature, expected in (
        (1.0, 1.0, [0.5, 0.3, 0.15, 0.05]),
        (0.7, 1.0, [0.625, 0.375, 0, 0]),
        (1.0, 0.5, [0.685, 0.247, 0.062, 0.007]),
        (1.0, 0.0, [1, 0, 0, 0]),
    ):
        rows = [Sample(seed, top_p, temperature) for seed in range(8000)]
        tokens, logprobs = draw(logits.repeat(8000, 1), rows)
        shares = [tokens.count(token) / 8000 for token in range(4)]
        assert shares == pytest.approx(expected, abs=0.025)
        assert logprobs[0] == pytest.approx(logits[tokens[0]].item())
        assert math.isfinite(sum(logprobs))


def test_text_grows_by_whole_characters():
    tokenizer = _tokenizer()
    ids = tokenizer.encode("a🌊é!").ids
    growing = GrowingText(lambda some: tokenizer.decode(list(some), skip_special_tokens=False))
    shown = [growing.add(token) for token in ids]
    assert shown == ["a", "", "", "", "🌊", "", "é", "!"]
    half = GrowingText(lambda some: tokenizer.decode(list(some), skip_special_tokens=False))
    assert [half.add(token) for token in ids[:3]] == ["a", "", ""]
    assert half.flush() == "\ufffd"
