"""Start to the first painted live practice price, against an empty window with the same imports."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5

FLOOR = """
import asyncio, sqlite3
import httpx, keyring, msgspec, numpy, pyqtgraph, qasync, websockets.asyncio.client
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
class Window(QWidget):
    def paintEvent(self, event):
        QTimer.singleShot(0, app.quit)
window = Window()
window.resize(1920, 1080)
window.show()
app.exec()
"""


def main() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    floors, prices, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", FLOOR], env=environment, check=True, timeout=60)
            floors.append(time.perf_counter() - begun)
            done = subprocess.run(
                [sys.executable, "main.py", "--shot", str(shot)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            )
            prices.append(_figure(done.stdout, r"first live price\s+([\d.]+) s"))
            memory.append(_figure(done.stdout, r"memory\s+([\d.]+) MB"))
    floor, price = statistics.median(floors), statistics.median(prices)
    print(f"  empty window with the same imports  {floor:.2f} s")
    print(f"  first painted live practice price   {price:.2f} s  = {price / floor:.2f} x (bar 2.5)")
    print(f"  memory of the terminal              {statistics.median(memory):.0f} MB (bar 300)")


def _figure(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise AssertionError(f"--shot did not print {pattern!r}:\n{text}")
    return float(found.group(1))
