"""Real money wears the colour of danger wherever it is named; practice and demo accounts never do."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from terminal.viewmodels.ports import is_real_money
from terminal.widgets import theme
from terminal.widgets.controls import ModeBadge, label, set_badge
from tests.gui.frame_fakes import Frame

REAL = ("LIVE", "LIVE real", "LIVE 5120034", "PRACTICE + LIVE", "DEMO + LIVE")
OTHER = ("PRACTICE", "PRICES ONLY", "DEMO", "DEMO Weekend contest", "PRACTICE + DEMO", "NOT CONNECTED", "")


@pytest.mark.parametrize("badge", REAL + OTHER)
def test_a_badge_is_of_real_money_or_not(qapp: QApplication, badge: str) -> None:
    is_real = badge in REAL
    assert is_real_money(badge) is is_real
    shown: QLabel = label()
    set_badge(shown, badge)
    assert (shown.text(), shown.property("kind") == "error") == (badge, is_real)
    framed = ModeBadge()
    framed.show_mode(badge, striped=badge == "PRACTICE")
    assert framed._tint == (theme.DANGER if is_real else theme.TEXT)


def test_the_title_of_a_panel_says_it_in_the_same_colour(qapp: QApplication, tmp_path: Path) -> None:
    frame = Frame()
    window = frame.window(tmp_path)
    try:
        kinds = []
        for word in ("PRACTICE", "LIVE real", "DEMO"):
            window.workspace.show_mode("blotter", word, striped=word == "PRACTICE")
            kinds.append(window.workspace.bars["blotter"].word.property("kind"))
        assert kinds == ["mode", "real", "mode"]
    finally:
        window.workspace.stop()
        window.close_for_good()
        frame.frames.stop()
