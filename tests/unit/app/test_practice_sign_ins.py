"""Sign-ins at practice venues: kept over a restart, forgotten when told, and no obstacle when unreadable."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminal.app.practice_sign_ins import PracticeSignIns
from terminal.core.secret import Secret

GRANT = {"token": Secret("tk-8c02f1ab77"), "email": Secret("other-person@practice.example")}


def test_a_sign_in_outlives_the_program_until_it_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "practice" / "sign-ins.json"
    first = PracticeSignIns(file)
    assert first.of("quotex") == {}
    first.keep("quotex", GRANT)
    first.keep("ctrader", {"access_token": Secret("at-51d0c8e3f2")})
    assert file.stat().st_mode & 0o077 == 0
    again = PracticeSignIns(file)
    assert again.of("quotex") == GRANT
    again.forget("quotex")
    again.forget("kraken")
    later = PracticeSignIns(file)
    assert later.of("quotex") == {}
    assert later.of("ctrader")["access_token"].reveal() == "at-51d0c8e3f2"


@pytest.mark.parametrize("text", ["", "[]", '{"quotex": 7}', '{"quotex": ', "\xff"])
def test_a_file_that_cannot_be_read_costs_one_more_sign_in(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sign-ins.json"
    file.write_text(text, encoding="latin-1")
    kept = PracticeSignIns(file)
    assert kept.of("quotex") == {}
    kept.keep("quotex", GRANT)
    assert PracticeSignIns(file).of("quotex") == GRANT


def test_a_folder_that_takes_nothing_does_not_end_the_sign_in(tmp_path: Path) -> None:
    in_the_way = tmp_path / "practice"
    in_the_way.write_text("a file where a folder is due")
    kept = PracticeSignIns(in_the_way / "sign-ins.json")
    kept.keep("quotex", GRANT)
    assert kept.of("quotex") == GRANT
