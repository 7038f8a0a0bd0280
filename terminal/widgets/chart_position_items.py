"""Positions on a chart: the entry line with its chip, tabs to pull a stop or target out of, their lines; and
running contracts from entry to end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from terminal.viewmodels.chart import ChartViewModel
from terminal.viewmodels.chart_positions import (
    ChartPositions,
    DealLine,
    LegGhost,
    LegKind,
    LegLine,
    PositionLine,
)
from terminal.viewmodels.position_rows import GIVE_BACK, can_end_now, contract_tip
from terminal.widgets import theme
from terminal.widgets.chart_axes import Axes
from terminal.widgets.chart_items import CROSS_PX, Geometry, side_color, side_fill
from terminal.widgets.controls import hatch_brush
from terminal.widgets.painted import TextCache

HEIGHT: Final = 20
_TAB_PX: Final = 28
_BUTTON_GAP: Final = 8
_NEAR_PX: Final = 5
_STACK_PX: Final = HEIGHT + 3
_LEADER_PX: Final = 14
_HATCH = theme.color(theme.WHITE, 110)
_WORDS: Final = (("close", "Close"), ("reverse", "Reverse"), ("double", "Double"))
_DEAL_WORDS: Final = ((GIVE_BACK.key, GIVE_BACK.text),)
_DOT_PX: Final = 3
_ABOVE_PX: Final = 5
TIPS: Final = {
    "chip": "Your position. Money is net of swap and of the commission charged so far; “at mark”: as the "
    "venue counts it, by its mark price, before fees and funding",
    "close": "Close it at the market",
    "reverse": "Close it and open as much on the other side",
    "double": "Add as much again at the market",
    "tab": "Drag to set it",
    "leg": "Drag to another price. Money is what closing there would bring, net of swap and of the "
    "commission charged so far",
    "remove": "Take it away",
}


class Part(Enum):
    """What of a position is under a point."""

    CHIP = "chip"
    CLOSE = "close"
    REVERSE = "reverse"
    DOUBLE = "double"
    TAB = "tab"
    LEG = "leg"
    REMOVE = "remove"

    @property
    def can_be_dragged(self) -> bool:
        return self in (Part.TAB, Part.LEG)


@dataclass(frozen=True, slots=True)
class Hit:
    """A part of a position or a contract; ``kind`` says which leg, where it is about one."""

    line: PositionLine | DealLine
    part: Part
    kind: LegKind | None = None

    @property
    def tip(self) -> str:
        """What it is, or what a click or a drag does."""
        if isinstance(self.line, DealLine):
            return contract_tip(self.line.row) if self.part is Part.CHIP else GIVE_BACK.tip
        return TIPS[self.part.value]

    def same(self, other: Hit | None) -> bool:
        """Whether both are the same part of the same position, however its figures moved meanwhile."""
        return other is not None and (self.line.key, self.part, self.kind) == (
            other.line.key,
            other.part,
            other.kind,
        )


class PositionPainter:
    """Draws the positions of a chart and knows what is where."""

    def __init__(self) -> None:
        self._hits: list[tuple[Hit, QRect]] = []
        self._taken: list[QRect] = []

    def clear(self) -> None:
        """Nothing is drawn."""
        self._hits = []

    def hit(self, at: QPoint) -> Hit | None:
        """What is under a point; the topmost part."""
        for hit, box in reversed(self._hits):
            if box.contains(at):
                return hit
        return None

    def paint(
        self,
        painter: QPainter,
        positions: ChartPositions,
        vm: ChartViewModel,
        geometry: Geometry,
        text: TextCache,
        axes: Axes,
        pointer: QPoint | None,
        covered: QRect,
    ) -> None:
        """Draw all positions, their stops and targets, and one that is being dragged. ``covered``: where
        other words stand already, which no label may hide."""
        self._hits, self._taken = [], [covered]
        plot = geometry.plot
        painter.setClipRect(plot)
        for deal in positions.deals:
            self._paint_span(painter, deal, vm, geometry)
        for line in positions.lines:
            # All lines before any label: none is struck through by the line of another position.
            self._paint_lines(painter, line, vm, geometry)
        for line in positions.lines:
            for leg in line.legs:
                y = round(geometry.y_of(vm.scale, float(leg.price)))
                if plot.top() <= y <= plot.bottom():
                    self._paint_leg(painter, line, leg, y, plot, text)
            y = round(geometry.y_of(vm.scale, float(line.price)))
            if plot.top() <= y <= plot.bottom():
                self._paint_entry(painter, line, y, plot, text, pointer)
        for deal in positions.deals:
            self._paint_deal(painter, deal, vm, geometry, text, pointer)
        painter.setClipping(False)
        self._tag_deals(painter, positions.deals, vm, geometry, axes)
        for line in positions.lines:
            y = round(geometry.y_of(vm.scale, float(line.price)))
            if plot.top() <= y <= plot.bottom():
                fill = side_fill(line.side)
                axes.tag(painter, geometry, y, (vm.price_text(line.price),), fill, theme.WHITE)
        if positions.ghost is not None:
            self._paint_ghost(painter, positions.ghost, vm, geometry, text, axes)

    @staticmethod
    def _paint_lines(painter: QPainter, line: PositionLine, vm: ChartViewModel, geometry: Geometry) -> None:
        plot = geometry.plot
        pens = [(line.price, QPen(QColor(side_color(line.side)), 1))]
        pens += [(leg.price, QPen(QColor(_leg_color(leg)), 1, Qt.PenStyle.DashLine)) for leg in line.legs]
        if line.break_even is not None:
            # Where it closes at nothing after swap and commission.
            pens.append((line.break_even, QPen(QColor(theme.MUTED), 1, Qt.PenStyle.DashDotLine)))
        for price, pen in pens:
            y = round(geometry.y_of(vm.scale, float(price)))
            if plot.top() <= y <= plot.bottom():
                painter.setPen(pen)
                painter.drawLine(plot.left(), y, plot.right(), y)

    def _paint_entry(
        self,
        painter: QPainter,
        line: PositionLine,
        y: int,
        plot: QRect,
        text: TextCache,
        pointer: QPoint | None,
    ) -> None:
        right = plot.right() - 6
        tabs = [
            kind
            for kind in (LegKind.TARGET, LegKind.STOP)
            if line.leg(kind) is None and not line.row.stop_pending
        ]
        width = text.width(line.text) + 16
        whole = self._free(y, width + len(tabs) * (_TAB_PX + 3), plot)
        top = whole.top()
        self._paint_leader(painter, whole, y, side_color(line.side))
        for kind in tabs:
            box = QRect(right - _TAB_PX, top, _TAB_PX, HEIGHT)
            painter.fillRect(box, QColor(theme.RAISED))
            painter.setPen(QPen(QColor(side_color(line.side)), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            text.centre(painter, box.center().x(), _middle(box, text), kind.value, theme.TEXT)
            self._hits.append((Hit(line, Part.TAB, kind), box.adjusted(0, -4, 0, 4)))
            right = box.left() - 3
        chip = QRect(right - width, top, width, HEIGHT)
        near = pointer is not None and chip.adjusted(-260, -4, 0, 4).contains(pointer)
        painter.fillRect(chip, QColor(side_fill(line.side)))
        text.left(painter, chip.left() + 8, _middle(chip, text), line.text, theme.WHITE)
        self._hits.append((Hit(line, Part.CHIP), chip.adjusted(0, -4, 0, 4)))
        if near:
            self._paint_buttons(painter, line, _WORDS, chip.left() - 4, top, text)

    # -- contracts ------------------------------------------------------------------------------------

    @staticmethod
    def _paint_span(painter: QPainter, deal: DealLine, vm: ChartViewModel, geometry: Geometry) -> None:
        """The entry price from when it opened to its end, and a line down at the end."""
        plot = geometry.plot
        begin, end = (_x_of(each, vm, plot) for each in (deal.opened_ns, deal.expires_ns))
        y = round(geometry.y_of(vm.scale, float(deal.price)))
        color = QColor(_deal_color(deal))
        painter.setPen(QPen(color, 1))
        painter.drawLine(begin, y, end, y)
        painter.setPen(QPen(color, 1, Qt.PenStyle.DashLine))
        painter.drawLine(end, plot.top(), end, plot.bottom())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(QPoint(begin, y), _DOT_PX, _DOT_PX)

    def _paint_deal(
        self,
        painter: QPainter,
        deal: DealLine,
        vm: ChartViewModel,
        geometry: Geometry,
        text: TextCache,
        pointer: QPoint | None,
    ) -> None:
        """Its chip, and the button to give it back while the pointer is near."""
        plot = geometry.plot
        y = round(geometry.y_of(vm.scale, float(deal.price)))
        if not plot.top() <= y <= plot.bottom():
            return
        color = _deal_color(deal)
        # Above the line, which would be hidden behind it from its beginning to its end.
        beside = y - HEIGHT // 2 - _ABOVE_PX
        chip = self._free(beside, text.width(deal.text) + 16, plot)
        if abs(chip.center().y() - beside) > HEIGHT // 2:
            self._paint_leader(painter, chip, y, color)
        painter.fillRect(chip, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(color), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(chip.adjusted(0, 0, -1, -1))
        text.left(painter, chip.left() + 8, _middle(chip, text), deal.text, color)
        self._hits.append((Hit(deal, Part.CHIP), chip.adjusted(0, -4, 0, 4)))
        near = pointer is not None and chip.adjusted(-120, -4, 0, 4).contains(pointer)
        if near and can_end_now(deal.row):
            self._paint_buttons(painter, deal, _DEAL_WORDS, chip.left() - 4, chip.top(), text)

    @staticmethod
    def _tag_deals(
        painter: QPainter,
        deals: tuple[DealLine, ...],
        vm: ChartViewModel,
        geometry: Geometry,
        axes: Axes,
    ) -> None:
        """Entry prices beside the plot, ends below it; contracts of one end share a tag."""
        plot = geometry.plot
        for deal in deals:
            y = round(geometry.y_of(vm.scale, float(deal.price)))
            if plot.top() <= y <= plot.bottom():
                fill = side_fill(deal.row.position.side)
                axes.tag(painter, geometry, y, (vm.price_text(deal.price),), fill, theme.WHITE)
        for expires_ns in {deal.expires_ns for deal in deals}:
            x = _x_of(expires_ns, vm, plot)
            if plot.left() <= x <= plot.right():
                axes.time_tag(painter, geometry, x, vm.clock_text(expires_ns))

    # -- places ---------------------------------------------------------------------------------------

    def _free(self, y: int, width: int, plot: QRect) -> QRect:
        """Where the labels of a line at ``y`` stand at the right: beside their price, or as near to it as the
        labels of other lines leave room, so that none covers another."""
        least, most = plot.top() + 1, plot.bottom() - HEIGHT
        first = min(max(least, y - HEIGHT // 2), most)
        box = QRect(plot.right() - 6 - width, first, width, HEIGHT)
        for step in range(1, 2 * (most - least) // _STACK_PX + 2):
            if not any(box.intersects(other) for other in self._taken):
                break
            # Below, above, farther below, farther above.
            top = first + (step + 1) // 2 * _STACK_PX * (1 if step % 2 else -1)
            if least <= top <= most:
                box.moveTop(top)
        self._taken.append(box)
        return box

    @staticmethod
    def _paint_leader(painter: QPainter, box: QRect, y: int, color: str) -> None:
        """From a label that had to make room to its line."""
        if abs(box.center().y() - y) > HEIGHT // 2:
            painter.setPen(QPen(QColor(color), 1))
            painter.drawLine(box.left() - _LEADER_PX, y, box.left(), box.center().y())

    def _paint_buttons(
        self,
        painter: QPainter,
        line: PositionLine | DealLine,
        words: tuple[tuple[str, str], ...],
        right: int,
        top: int,
        text: TextCache,
    ) -> None:
        for action, word in reversed(words):
            width = text.width(word) + 2 * _BUTTON_GAP
            box = QRect(right - width, top - 4, width, HEIGHT + 8)
            painter.fillRect(box, QColor(theme.RAISED))
            painter.setPen(QPen(QColor(theme.BORDER_STRONG), 1))
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            text.left(painter, box.left() + _BUTTON_GAP, _middle(box, text), word, theme.TEXT)
            self._hits.append((Hit(line, Part(action)), box))
            right = box.left() - 3

    def _paint_leg(
        self, painter: QPainter, line: PositionLine, leg: LegLine, y: int, plot: QRect, text: TextCache
    ) -> None:
        color = _leg_color(leg)
        words = f"{leg.text}   {leg.badge}"
        box = self._free(y, text.width(words) + 16 + CROSS_PX, plot)
        self._paint_leader(painter, box, y, color)
        painter.fillRect(box, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(color), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        text.left(painter, box.left() + 8, _middle(box, text), words, theme.TEXT)
        cross = QRect(box.right() - CROSS_PX, box.top() - 4, CROSS_PX + 1, HEIGHT + 8)
        text.centre(painter, cross.center().x(), _middle(box, text), "×", theme.TEXT_2)
        if leg.waiting:
            painter.fillRect(box, hatch_brush(_HATCH))
            return
        grip = QRect(plot.left(), y - _NEAR_PX, plot.width(), 2 * _NEAR_PX + 1)
        # Under everything: no line may be taken for a button that another one has over it.
        self._hits.insert(0, (Hit(line, Part.LEG, leg.kind), grip))
        self._hits.append((Hit(line, Part.LEG, leg.kind), box.adjusted(0, -4, 0, 4)))
        self._hits.append((Hit(line, Part.REMOVE, leg.kind), cross))

    def _paint_ghost(
        self,
        painter: QPainter,
        ghost: LegGhost,
        vm: ChartViewModel,
        geometry: Geometry,
        text: TextCache,
        axes: Axes,
    ) -> None:
        plot = geometry.plot
        y = round(geometry.y_of(vm.scale, float(ghost.price)))
        color = theme.WARNING if ghost.problem else theme.FOCUS
        painter.setClipRect(plot)
        painter.setPen(QPen(QColor(color), 1, Qt.PenStyle.DashLine))
        painter.drawLine(plot.left(), y, plot.right(), y)
        lines = (ghost.text, ghost.problem) if ghost.problem else (ghost.text,)
        width = min(plot.width() - 8, max(text.width(each) for each in lines) + 18)
        height = len(lines) * text.height + 8
        top = y + 6 if y + 6 + height < plot.bottom() else y - 6 - height
        box = QRect(plot.right() - width - 8, max(plot.top() + 4, top), width, height)
        painter.fillRect(box, QColor(theme.RAISED))
        painter.setPen(QPen(QColor(color), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        for at, words in enumerate(lines):
            shown = text.fitting(words, width - 14)
            tint = theme.WARNING if at else theme.TEXT
            text.left(painter, box.left() + 8, box.top() + 4 + at * text.height, shown, tint)
        painter.setClipping(False)
        axes.tag(painter, geometry, y, (vm.price_text(ghost.price),), theme.FOCUS, theme.WINDOW, firm=True)


def _leg_color(leg: LegLine) -> str:
    return theme.DANGER if leg.kind is LegKind.STOP else theme.TEXT_2


def _deal_color(deal: DealLine) -> str:
    """In, out of, or at the money, or not known; its sign and word stand beside it."""
    if deal.row.is_outcome_unknown:
        return theme.MUTED
    return theme.UP if deal.standing > 0 else theme.DOWN if deal.standing < 0 else theme.TEXT_2


def _x_of(time_ns: int, vm: ChartViewModel, plot: QRect) -> int:
    """Where a time stands; what is far out of sight stays within what a painter can count."""
    x = plot.left() + vm.viewport.x_of(vm.place_at(time_ns))
    return round(min(max(x, plot.left() - 100), plot.right() + 100))


def _middle(box: QRect, text: TextCache) -> int:
    return box.top() + (box.height() - text.height) // 2
