"""Tables of a run: one row a step, also after a kill."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dognets.training.logs import RunLog
from tests.dognets.runs import rows

KILLED = "step,loss\r\n10,1\r\n20,0.9\r\n30,0.8\r\n"


def test_rows_are_appended(tmp_path):
    log = RunLog(tmp_path)
    log.write("log", 1, {"loss": 0.123456789, "rate": 2.0})
    log.write("log", 2, {"loss": 1e-9, "rate": 3.0})
    log.write("validation", 2, {"psnr": 30.0})
    log.close()
    assert rows(tmp_path / "log.csv") == [
        {"step": "1", "loss": "0.123457", "rate": "2"},
        {"step": "2", "loss": "1e-09", "rate": "3"},
    ]
    assert rows(tmp_path / "validation.csv") == [{"step": "2", "psnr": "30"}]


@pytest.mark.parametrize(("step", "kept"), [(30, 3), (29, 2), (20, 2), (10, 1)])
def test_rows_of_later_steps_are_dropped(tmp_path, step, kept):
    (tmp_path / "log.csv").write_text(KILLED, newline="")
    log = RunLog(tmp_path, step)
    assert [row["step"] for row in rows(tmp_path / "log.csv")] == ["10", "20", "30"][:kept]
    log.write("log", 40, {"loss": 0.7})
    log.close()
    assert len(rows(tmp_path / "log.csv")) == kept + 1


@pytest.mark.parametrize("step", [0, 5])
def test_a_table_without_rows_starts_anew(tmp_path, step):
    (tmp_path / "log.csv").write_text(KILLED, newline="")
    log = RunLog(tmp_path, step)
    assert not (tmp_path / "log.csv").exists()
    log.write("log", 6, {"gain": 0.7})
    log.close()
    assert rows(tmp_path / "log.csv") == [{"step": "6", "gain": "0.7"}]


@pytest.mark.parametrize("torn", ["40", "40,0.", "", "step,lo"])
def test_a_row_that_a_kill_tore_is_dropped(tmp_path, torn):
    whole = "" if torn.startswith("step") or not torn else KILLED
    (tmp_path / "log.csv").write_text(whole + torn, newline="")
    log = RunLog(tmp_path, 30)
    log.write("log", 40, {"loss": 0.7})
    log.close()
    found = rows(tmp_path / "log.csv")
    assert found[-1] == {"step": "40", "loss": "0.7"}
    assert len(found) == (4 if whole else 1)


def test_tensorboard_has_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = RunLog(tmp_path)
    log.write("log", 1, {"loss": 0.5})
    log.write("log", 2, {"loss": 0.25})
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("log/loss")] == [(1, 0.5), (2, 0.25)]


def test_tensorboard_goes_on_where_the_checkpoint_was(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with RunLog(tmp_path) as log:
        for step in (10, 20, 30):
            log.write("log", step, {"loss": float(step)})
    with RunLog(tmp_path, 20) as log:
        log.write("log", 30, {"loss": 31.0})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = [(e.step, e.value) for e in events.Scalars("log/loss")]
    assert found == [(10, 10.0), (20, 20.0), (30, 31.0)]
    assert [row["step"] for row in rows(tmp_path / "log.csv")] == ["10", "20", "30"]


def test_without_tensorboard_the_tables_are_written(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = RunLog(tmp_path)
    log.write("log", 1, {"loss": 0.5})
    log.close()
    assert len(rows(tmp_path / "log.csv")) == 1
    assert not (tmp_path / "tensorboard").exists()
