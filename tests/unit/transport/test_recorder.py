"""Recordings: whole, scrubbed, bounded, and harmless when the disk is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from terminal.core.secret import Secret
from terminal.domain.errors import StorageError
from terminal.transport.recorder import Recorded, Recorder, replay


def test_frames_come_back_as_they_went_in(tmp_path: Path) -> None:
    path = tmp_path / "wire.ndjson"
    recorder = Recorder(path)
    recorder.write(1, "public", "in", '{"channel":"book","ü":"\\n"}\nsecond line')
    recorder.tap("private")("out", b"\x00\xffbinary", 2)
    recorder.close()
    recorder.close()
    assert list(replay(path)) == [
        Recorded(1, "public", "in", '{"channel":"book","ü":"\\n"}\nsecond line'),
        Recorded(2, "private", "out", b"\x00\xffbinary"),
    ]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    secret = Secret("CANARY-recorder-0001")
    path = tmp_path / "wire.ndjson"
    recorder = Recorder(path)
    recorder.write(1, "private", "out", '{"params":{"token":"short","x":"CANARY-recorder-0001"}}')
    recorder.write(2, "private", "out", b"\x01" + secret.reveal().encode() + b"\x02")
    recorder.close()
    text = path.read_text()
    assert "short" not in text
    frames = [item.frame for item in replay(path)]
    assert frames == ['{"params":{"token":"***","x":"***"}}', b"\x01***\x02"]


def test_size_is_bounded_and_the_newest_part_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "wire.ndjson"
    recorder = Recorder(path, max_bytes=2000)
    for number in range(200):
        recorder.write(number, "public", "in", "x" * 50)
    recorder.close()
    assert path.stat().st_size <= 2000
    assert path.with_name("wire.ndjson.1").stat().st_size <= 2000
    assert len(os.listdir(tmp_path)) == 2
    kept = [item.ts_ns for part in (path.with_name("wire.ndjson.1"), path) for item in replay(part)]
    assert kept == list(range(kept[0], 200))


def test_cut_off_last_line_ends_the_replay_and_a_foreign_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wire.ndjson"
    recorder = Recorder(path)
    recorder.write(1, "public", "in", "one")
    recorder.write(2, "public", "in", "two")
    recorder.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    assert [item.frame for item in replay(path)] == ["one"]
    path.write_bytes(b"what is this?\n" + whole)
    with pytest.raises(StorageError, match="line 1"):
        list(replay(path))
    with pytest.raises(StorageError):
        list(replay(tmp_path / "absent"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_full_disk_stops_the_recording_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wire.ndjson"
    path.symlink_to("/dev/full")
    recorder = Recorder(path)
    for number in range(20_000):
        recorder.write(number, "public", "in", "x" * 100)
    assert "No space left" in recorder.failed
    assert caplog.text.count("recording stopped") == 1
    recorder.close()


def test_folder_that_does_not_exist_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Recorder(tmp_path / "no" / "wire.ndjson")
