"""Chinese words, and where their dictionary does not come from."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from networks.chinese.words import Chinese, Tagged

ROOT = Path(__file__).resolve().parents[3]
WITHOUT_JIEBA = """
import sys
sys.modules["jieba"] = None
from networks.chinese.words import ChineseMissing, load_chinese
try:
    load_chinese()
except ChineseMissing as missing:
    print(missing)
"""
LOADED_IN_A_FOLDER = """
from networks.chinese.words import load_chinese
print(*load_chinese().cut("今天天气很好"))
"""


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip
    return done.stdout


def test_words_are_found_and_tagged(chinese: Chinese) -> None:
    assert chinese.cut("他把钥匙放在桌子上") == ["他", "把", "钥匙", "放在", "桌子", "上"]
    assert chinese.tag("他不走")[1] == Tagged("不", "d")


def test_pinyin_comes_in_three_forms(chinese: Chinese) -> None:
    assert chinese.bopomofo("今天") == ("ㄐㄧㄣ", "ㄊㄧㄢ")
    assert chinese.initials("今天") == ("j", "t")
    assert chinese.finals("桌子") == ("uo1", "i5")


def test_a_missing_extra_says_what_to_install() -> None:
    said = _python(WITHOUT_JIEBA)
    assert "Chinese needs the package jieba" in said
    assert "pip install -r requirements/chinese.txt" in said


def test_no_cache_in_the_temporary_folder_is_written_or_believed(
    chinese: Chinese, tmp_path: Path
) -> None:
    planted = tmp_path / "jieba.cache"
    planted.write_bytes(b"not a dictionary")
    assert _python(LOADED_IN_A_FOLDER, TMPDIR=str(tmp_path)).split() == ["今天天气", "很", "好"]
    assert [*tmp_path.iterdir()] == [planted]
    assert planted.read_bytes() == b"not a dictionary"
    assert tempfile.gettempdir() != str(tmp_path)


@pytest.mark.parametrize("threads", [8])
def test_one_instance_serves_all_threads(chinese: Chinese, threads: int) -> None:
    texts = [f"第{number}次会议讨论了很多重要的问题" for number in "一二三四五六七八九十"] * 8
    wanted = [chinese.tag(text) for text in texts]
    with ThreadPoolExecutor(threads) as pool:
        assert [*pool.map(chinese.tag, texts)] == wanted
