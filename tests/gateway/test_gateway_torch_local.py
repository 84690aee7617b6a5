"""A policy sampled with PyTorch behind the gateway: what is captured is what training computes."""

import asyncio

import pytest

from journeyman.gateway import check_fidelity, sequences, trajectories
from journeyman.models import LocalSettings

torch = pytest.importorskip("torch", reason="needs the extra train: make setup-training")
transformers = pytest.importorskip("transformers", reason="needs the extra train")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra train")

from journeyman.models.torch_local import TorchLocalModel  # noqa: E402

CHAT = "/v1/chat/completions"
ENDS = ["<|im_start|>", "<|im_end|>"]
SIZES = {
    "vocab_size": 320,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "max_position_embeddings": 4096,
}


def _policy(seed: int):
    torch.manual_seed(seed)
    config = transformers.Qwen3NextConfig(**SIZES)
    return transformers.Qwen3NextForCausalLM(config).eval()


def _tokenizer():
    """One token a byte, and some of several bytes, so that a text has many tokenisations."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = {sign: number for number, sign in enumerate(alphabet)}
    merges = [("t", "h"), ("e", "r"), ("i", "n"), ("Ġ", "t"), ("o", "n")]
    for first, second in merges:
        words[first + second] = len(words)
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=merges))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(ENDS)
    return made


def _logprobs(policy, sequence) -> list[float]:
    with torch.no_grad():
        logits = policy(torch.tensor([sequence.token_ids])).logits[0].float().log_softmax(-1)
    drawn = [at for at, is_sampled in enumerate(sequence.is_sampled) if is_sampled]
    return [logits[at - 1, sequence.token_ids[at]].item() for at in drawn]


async def test_captured_logprobs_are_those_of_one_pass_over_the_sequence(kit):
    model = TorchLocalModel("policy", _policy(0), _tokenizer(), LocalSettings(num_threads=1))
    try:
        async with kit.running(model, "hermes", context_tokens=4096) as client:
            sessions = [client.gateway.sessions.open(f"rollout-{n}") for n in range(4)]

            async def talk(n: int) -> None:
                messages = [{"role": "user", "content": f"There is a bug in {n}.py."}]
                for turn in range(3):
                    body = {"model": "m", "messages": messages, "max_tokens": 12 + n}
                    body["stream"] = turn == 1
                    key = {"Authorization": f"Bearer rollout-{n}"}
                    if body["stream"]:
                        events = await client.events(CHAT, body, **key)
                        deltas = [it["choices"][0]["delta"] for it in events]
                        text = "".join(it.get("content") or "" for it in deltas)
                    else:
                        _, whole = await client.post(CHAT, body, **key)
                        text = whole["choices"][0]["message"]["content"]
                    messages.append({"role": "assistant", "content": text})
                    messages.append({"role": "user", "content": "And then?"})

            await asyncio.gather(*map(talk, range(4)))
            records = [client.gateway.record(session) for session in sessions]
    finally:
        await model.close()
    for record in records:
        found = check_fidelity(record)
        assert (found.num_checked, found.breaches) == (3, ())
        for trajectory in trajectories(record):
            for sequence in sequences(trajectory):
                pairs = zip(sequence.logprobs, sequence.is_sampled, strict=True)
                kept = [value for value, is_sampled in pairs if is_sampled]
                assert kept == pytest.approx(_logprobs(model.module, sequence), abs=1e-4)
                assert set(sequence.model_versions) == {"", "0"}


async def test_each_turn_says_which_policy_drew_it(kit):
    model = TorchLocalModel("policy", _policy(0), _tokenizer(), LocalSettings(num_threads=1))
    try:
        async with kit.running(model, "hermes", context_tokens=4096) as client:
            session = client.gateway.sessions.open("rollout-1")
            messages = [{"role": "user", "content": "There is a bug."}]
            for version in ("1", "2"):
                await model.replace_weights(_policy(int(version)).state_dict(), version=version)
                body = {"model": "m", "messages": messages, "max_tokens": 8}
                _, whole = await client.post(CHAT, body, Authorization="Bearer rollout-1")
                messages.append(whole["choices"][0]["message"])
                messages.append({"role": "user", "content": "And then?"})
            record = client.gateway.record(session)
    finally:
        await model.close()
    assert [it.turn.completion.model_version for it in record.turns] == ["1", "2"]
    assert check_fidelity(record).breaches == ()
