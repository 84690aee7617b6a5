"""GGUF files: what is written runs in llama.cpp with the same greedy output, and is read back."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")
pytest.importorskip("xllamacpp")

from tokenizers import pre_tokenizers

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.models.llama import LlamaModel
from journeyman.models.llama_process import LlamaSettings
from journeyman.train.gguf_files.exporting import export_gguf
from journeyman.train.gguf_files.importing import import_gguf
from journeyman.train.model.folder import create_model, load_network
from journeyman.train.model.network import Network
from journeyman.train.stages.result import save_result
from journeyman.train.tokenizer import load_tokenizer, train_tokenizer
from journeyman.types import Prompt, Sampling

TEXT = Path(__file__).read_text()
TOKENIZER = train_tokenizer([TEXT], 500)
STRANGE = (
    "x = 12345 + 99.5\n  naïve Ünï 🌊\n\n\n\tdef f():\r\n it's  <|im_end|>3 4  56\n" + TEXT[:600]
)
NUM_NEW = 24


def sharpen(network):
    """Make random weights large enough that likeliest tokens differ clearly from the next ones."""
    with torch.no_grad():
        for weight in network.base.parameters():
            if weight.dim() > 1:
                weight.mul_(3)
    return network


def small_llama():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=0,
    )  # fmt: skip
    return sharpen(Network(transformers.LlamaForCausalLM(config)))


async def assert_llama_cpp_agrees(network, tokenizer, path):
    model = await LlamaModel.open(
        "m", LlamaSettings(path=path, num_threads=1, num_slots=1, context_tokens=512)
    )
    try:
        plain = STRANGE.replace("<|im_end|>", "")
        assert tuple(tokenizer.plain_ids(plain)) == await model.tokenize(plain)
        assert tuple(tokenizer.text_ids(STRANGE)) == await model.tokenize(STRANGE)
        ids = await model.tokenize("def test_a():\n    assert")
        sampling = Sampling(temperature=0, max_tokens=NUM_NEW)
        done = await model.complete(Prompt(messages=(), token_ids=ids), sampling)
    finally:
        await model.close()
    given = torch.tensor([list(ids)])
    with torch.no_grad():
        ours = network.base.generate(
            given, attention_mask=torch.ones_like(given), max_new_tokens=NUM_NEW, do_sample=False
        )
        whole = torch.tensor([[*ids, *done.token_ids]])
        scores = torch.log_softmax(network.base(whole).logits[0], -1)
    assert list(done.token_ids) == ours[0, len(ids) :].tolist()
    expected = [float(scores[len(ids) - 1 + at, it]) for at, it in enumerate(done.token_ids)]
    assert done.logprobs == pytest.approx(expected, abs=5e-3)


async def test_qwen3_next_runs_in_llama_cpp_with_the_same_greedy_output(tmp_path):
    network = sharpen(create_model(tmp_path / "m", "tiny", TOKENIZER, seed=0))
    path = export_gguf(network, TOKENIZER, tmp_path / "m.gguf", kind="f32")
    await assert_llama_cpp_agrees(network, TOKENIZER, path)


async def test_llama_runs_there_and_is_read_back_whole(tmp_path):
    network = small_llama()
    digits = train_tokenizer([TEXT], 500)
    digits.tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    save_result(network, digits, tmp_path / "m")
    tokenizer = load_tokenizer(tmp_path / "m")
    path = export_gguf(network, tokenizer, tmp_path / "m.gguf", kind="f32")
    await assert_llama_cpp_agrees(network, tokenizer, path)
    import_gguf(path, tmp_path / "back")
    again = load_network(tmp_path / "back")
    ids = torch.tensor([tokenizer.plain_ids(TEXT[:300])])
    with torch.no_grad():
        difference = network.base(ids).logits - again.base(ids).logits
    assert float(difference.abs().max()) < 1e-4
    assert load_tokenizer(tmp_path / "back").text_ids(STRANGE) == tokenizer.text_ids(STRANGE)


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0"])
def test_smaller_kinds_are_smaller(tmp_path, kind):
    network = small_llama()
    whole = export_gguf(network, TOKENIZER, tmp_path / "f32.gguf", kind="f32")
    small = export_gguf(network, TOKENIZER, tmp_path / f"{kind}.gguf", kind=kind)
    weights = {it.name: it.tensor_type for it in gguf.GGUFReader(small).tensors}
    assert weights["blk.0.ffn_up.weight"] == gguf.GGMLQuantizationType[kind.upper()]
    assert weights["output_norm.weight"] == gguf.GGMLQuantizationType.F32
    assert small.stat().st_size < whole.stat().st_size


def test_what_cannot_be_is_refused_and_leaves_nothing(tmp_path):
    network = small_llama()
    path = export_gguf(network, TOKENIZER, tmp_path / "m.gguf", kind="f16")
    with pytest.raises(JourneymanError, match="exists already"):
        export_gguf(network, TOKENIZER, path)
    network.base.config.model_type = "gpt_neox"
    with pytest.raises(JourneymanError, match="is not written as GGUF"):
        export_gguf(network, TOKENIZER, tmp_path / "n.gguf")
    (tmp_path / "torn.gguf").write_bytes(path.read_bytes()[:5000])
    with pytest.raises(JourneymanError, match="cannot be read"):
        import_gguf(tmp_path / "torn.gguf", tmp_path / "torn")
    with pytest.raises(JourneymanError, match="no file"):
        import_gguf(tmp_path / "none.gguf", tmp_path / "none")
    assert sorted(it.name for it in tmp_path.iterdir()) == ["m.gguf", "torn.gguf"]


def test_the_command_exports_to_both_forms(tmp_path, capsys):
    create_model(tmp_path / "m", "tiny", TOKENIZER, seed=0)
    for target in ("out/m.gguf", "copy"):
        with pytest.raises(SystemExit) as ended:
            main(["model", "export", str(tmp_path / "m"), str(tmp_path / target), "--json"])
        out = capsys.readouterr().out
        assert ended.value.code == 0
        assert json.loads(out)["target"] == str(tmp_path / target)
    one, other = load_network(tmp_path / "m"), load_network(tmp_path / "copy")
    assert torch.equal(one.base.lm_head.weight, other.base.lm_head.weight)
    assert one.mtp is not None
    assert other.mtp is not None
