"""Cached pictures of texts: what is drawn stays at hand, what is not is let go."""

from __future__ import annotations

from PySide6.QtGui import QImage, QPainter, QPixmap
from pytestqt.qtbot import QtBot

from terminal.domain.market import Side
from terminal.viewmodels.tape import TapeViewModel
from terminal.widgets import theme
from terminal.widgets.painted import KEPT_BYTES, TextCache
from terminal.widgets.tape import TapeView
from tests.trading_fakes import Desk


class CountingCache(TextCache):
    """Knows what it had to lay out."""

    def __init__(self) -> None:
        super().__init__(theme.ui_font(theme.TABLE_PX))
        self.laid_out: list[str] = []

    def _draw(self, text: str, color: str) -> tuple[QPixmap, int]:
        self.laid_out.append(text)
        return super()._draw(text, color)

    def paint(self, *texts: str, ratio: float = 1.0) -> None:
        """One painting."""
        canvas = QImage(200, 20, QImage.Format.Format_ARGB32_Premultiplied)
        painter = QPainter(canvas)
        self.begin(ratio)
        for text in texts:
            self.left(painter, 0, 0, text, theme.TEXT)
        painter.end()


def bytes_of_one(cache: CountingCache) -> int:
    cache.paint("00000.00000")
    return cache.kept_bytes


def test_however_many_texts_come_no_more_than_two_generations_are_held(qtbot: QtBot) -> None:
    cache = CountingCache()
    one = bytes_of_one(cache)
    for number in range(5000):
        cache.paint(f"{number:05}.00000")
        assert cache.kept_bytes <= 2 * (KEPT_BYTES + one)
    assert len(cache.laid_out) > 4 * KEPT_BYTES / one


def test_a_finer_screen_keeps_as_many_texts_and_those_of_the_coarse_one_are_gone(qtbot: QtBot) -> None:
    cache = CountingCache()
    one = bytes_of_one(cache)
    cache.paint("another", ratio=2.0)
    assert 0 < cache.kept_bytes <= 4 * one + 4096
    for number in range(5000):
        cache.paint(f"{number:05}.00000", ratio=2.0)
    assert 4 * KEPT_BYTES <= cache.kept_bytes <= 2 * 4 * (KEPT_BYTES + 2 * one)


def test_a_text_that_is_drawn_again_and_again_is_laid_out_once(qtbot: QtBot) -> None:
    cache = CountingCache()
    for number in range(5000):
        cache.paint("stays", f"{number:05}.00000")
    assert cache.laid_out.count("stays") == 1


def test_a_painting_larger_than_the_limit_is_laid_out_once_and_let_go_when_others_came(qtbot: QtBot) -> None:
    cache = CountingCache()
    one = bytes_of_one(cache)
    everything = [f"{number:05}.00001" for number in range(3 * KEPT_BYTES // one)]
    cache.laid_out.clear()
    for _ in range(5):
        cache.paint(*everything)
    assert cache.laid_out == everything
    for number in range(2 * KEPT_BYTES // one + 2):
        cache.paint(f"{number:05}.00002")
    assert cache.kept_bytes <= 2 * (KEPT_BYTES + one)


def test_a_tape_on_which_no_print_is_like_another_holds_no_more_pictures_than_its_limit(qtbot: QtBot) -> None:
    desk = Desk()
    view = TapeView(TapeViewModel(desk.market, desk.selection, desk.frames, desk.clock))
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    for number in range(600):
        desk.market.add_trade(number, Side.BUY, f"{60000 + number}.1", f"0.{number + 1000}", number * 10**9)
        desk.frames.tick()
        view.grab()
    one_painting = 64 * 1024
    assert KEPT_BYTES < view._numbers.kept_bytes <= 2 * (KEPT_BYTES + one_painting)
