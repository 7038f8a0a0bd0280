"""One terminal for each profile, and a lock that never outlives its owner (case 34)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from terminal.services import profile_lock
from terminal.services.profile_lock import ProfileInUse, ProfileLock, process_start

pytestmark = [pytest.mark.fault(34), pytest.mark.skipif(os.name != "posix", reason="uses POSIX processes")]

ROOT = Path(__file__).resolve().parents[3]
HOLDER = (
    "import sys; from pathlib import Path; from terminal.services.profile_lock import ProfileLock; "
    "lock = ProfileLock(Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
)


def test_a_second_terminal_is_refused_and_told_who_holds_the_profile(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ProfileInUse) as refused:
            ProfileLock(tmp_path / "lock").acquire()
        assert refused.value.pid == holder.pid
        assert str(holder.pid) in refused.value.user_text
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=10)
        with ProfileLock(tmp_path / "lock"):
            assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = ProfileLock(tmp_path / "deep" / "lock").acquire()
    with pytest.raises(ProfileInUse):
        ProfileLock(lock.path).acquire()
    lock.release()
    lock.release()
    with ProfileLock(lock.path):
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="start times come from /proc")
@pytest.mark.parametrize("content", ["", "garbage", '{"pid": 1}', '{"pid": 999999999, "started": "5"}'])
def test_without_system_locks_a_dead_or_unreadable_owner_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(profile_lock, "_lock", lambda file: None)
    (tmp_path / "lock").write_text(content)
    with ProfileLock(tmp_path / "lock"):
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="start times come from /proc")
def test_without_system_locks_a_reused_pid_is_stale_and_a_living_owner_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_lock, "_lock", lambda file: None)
    path = tmp_path / "lock"
    path.write_text(json.dumps({"pid": os.getpid(), "started": process_start(os.getpid())}))
    with pytest.raises(ProfileInUse):
        ProfileLock(path).acquire()
    path.write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    with ProfileLock(path):
        pass
