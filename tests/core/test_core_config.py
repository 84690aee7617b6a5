from pathlib import Path

import pytest

from journeyman.config import Config, differing_keys, digest, resolve, to_toml
from journeyman.errors import JourneymanError


class Inner(Config):
    lr: float = 1e-3


class Outer(Config):
    name: str = "a"
    optim: Inner = Inner()


def test_later_files_and_overrides_win(tmp_path: Path) -> None:
    first, second = tmp_path / "1.toml", tmp_path / "2.toml"
    first.write_text('name = "b"\n[optim]\nlr = 0.1\n')
    second.write_text("[optim]\nlr = 0.2\n")
    assert resolve(Outer, [first, second]) == Outer(name="b", optim=Inner(lr=0.2))
    assert resolve(Outer, [first], {"optim.lr": "0.5"}).optim.lr == 0.5


def test_an_unknown_key_names_the_file_and_the_nearest_right_one(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[optim]\nlt = 0.1\n")
    with pytest.raises(JourneymanError) as caught:
        resolve(Outer, [path])
    assert caught.value.message == f"{path}: unknown key optim.lt"
    assert caught.value.hint == "did you mean optim.lr?"


def test_a_wrong_type_on_the_command_line_says_so() -> None:
    with pytest.raises(JourneymanError, match=r"the command line: optim\.lr"):
        resolve(Outer, overrides={"optim.lr": "fast"})


@pytest.mark.parametrize("text", ["a = ", "\xff"])
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(JourneymanError, match="is not valid TOML"):
        resolve(Outer, [path])


def test_toml_round_trip_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    config = Outer(name="x", optim=Inner(lr=0.25))
    path.write_text(to_toml(config))
    again = resolve(Outer, [path])
    assert again == config
    assert digest(again) == digest(config) != digest(Outer())


def test_differing_keys_are_dotted() -> None:
    left, right = Outer().model_dump(), Outer(optim=Inner(lr=1.0)).model_dump()
    assert differing_keys(left, right) == ["optim.lr"]
