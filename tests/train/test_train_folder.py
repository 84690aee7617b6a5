"""Models as folders: what is written is read bit for bit, by us and by `transformers`."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors import safe_open
from transformers import AutoModelForCausalLM

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.train.corpus import find_files
from journeyman.train.model.folder import create_model, load_network
from journeyman.train.model.info import describe
from journeyman.train.tokenizer import load_tokenizer, train_tokenizer


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = train_tokenizer([Path(__file__).read_text()], 500)
    return folder, create_model(folder, "tiny", tokenizer, seed=3), tokenizer


def assert_same(one, other):
    theirs = dict(other.named_parameters())
    assert dict(one.named_parameters()).keys() == theirs.keys()
    assert all(torch.equal(it, theirs[name]) for name, it in one.named_parameters())


def test_a_model_is_read_as_it_was_written(made):
    folder, network, tokenizer = made
    loaded = load_network(folder)
    assert loaded.mtp is not None
    assert_same(loaded, network)
    assert load_tokenizer(folder).tokenizer.to_str() == tokenizer.tokenizer.to_str()


def test_transformers_reads_it_and_its_names_are_the_published_ones(made):
    folder, network, _ = made
    assert_same(AutoModelForCausalLM.from_pretrained(folder), network.base)
    with safe_open(folder / "mtp.safetensors", framework="pt") as file:
        names = set(file.keys())
    assert {"mtp.fc.weight", "mtp.norm.weight", "mtp.pre_fc_norm_hidden.weight"} < names
    assert "mtp.layers.0.mlp.experts.15.up_proj.weight" in names
    assert "mtp.layers.0.self_attn.q_norm.weight" in names


def test_the_seed_decides_the_weights(made, tmp_path):
    _, network, tokenizer = made
    assert_same(create_model(tmp_path / "same", "tiny", tokenizer, seed=3), network)
    other = create_model(tmp_path / "other", "tiny", tokenizer, seed=4)
    name = "base.model.layers.0.mlp.experts.down_proj"
    assert not torch.equal(other.get_parameter(name), network.get_parameter(name))


def test_nothing_is_overwritten_and_what_is_broken_is_said(made, tmp_path):
    folder, _, tokenizer = made
    with pytest.raises(JourneymanError, match="exists already"):
        create_model(folder, "tiny", tokenizer, seed=0)
    with pytest.raises(JourneymanError, match="no model in"):
        load_network(tmp_path)
    broken = tmp_path / "broken"
    create_model(broken, "tiny", tokenizer, seed=0)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(JourneymanError, match="cannot be read"):
        load_network(broken)


def test_a_model_too_large_for_the_machine_is_refused(made, tmp_path, monkeypatch):
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 6_000_000}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)
    with pytest.raises(JourneymanError, match="309 GB, and this machine has 25 GB"):
        create_model(tmp_path / "big", "80b-a3b", made[2], seed=0)
    assert not (tmp_path / "big").exists()


def test_what_the_published_model_takes():
    info = describe("80b-a3b")
    assert round(info.weights_bytes / 1e9) == 159
    assert round(info.training_bytes / 1e12, 2) == 1.27
    assert info.cache_bytes_per_token == 24_576
    assert 75e6 < info.state_bytes_per_sequence < 79e6


def test_a_corpus_is_its_readable_files_in_order(tmp_path):
    for name, data in {
        "b.py": b"b\n",
        "a/c.py": b"c\n",
        ".git/x.py": b"no",
        "node_modules/y.js": b"no",
        "latin.py": b"\xff",
        "image.png": b"no",
        "empty.py": b"",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "link.py").symlink_to(tmp_path / "b.py")
    assert [(it.path, it.text) for it in find_files([tmp_path])] == [
        ("a/c.py", "c\n"),
        ("b.py", "b\n"),
    ]
    with pytest.raises(JourneymanError, match="no corpus at"):
        list(find_files([tmp_path / "nowhere"]))


def test_the_command_makes_a_model_and_describes_it(tmp_path, monkeypatch, capsys):
    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["model", *words])
        return ended.value.code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.py").write_text("def add(a, b):\n    return a + b\n" * 20)
    code, out, err = run("init", "m", "--corpus", "corpus", "--vocab-size", "300", "--json")
    assert code == 0, err
    made, shown = json.loads(out), json.loads(run("info", "m", "--json")[1])
    assert made["counts"] == shown["counts"]
    # 300 in round figures, of 4,096, times the width.
    whole = describe("tiny").counts.total
    assert shown["counts"]["total"] == whole - (4096 - 320) * 128
    code, out, err = run("init", "whole", "--corpus", "corpus", "--json")
    assert json.loads(out)["counts"]["total"] == whole
    assert "79,674,391,296" in run("info", "80b-a3b")[1]
    code, out, err = run("init", "other")
    assert (code, out) == (2, "")
    assert "hint: add --corpus FOLDER" in err
