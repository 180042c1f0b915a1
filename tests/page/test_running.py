"""What the page's button does, also where something goes wrong."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest

pytest.importorskip("gradio", reason="needs gradio (pip install 'siftcore[demo]')")

from siftcore.demo_page import running
from siftcore.demo_page.compare import MAX_PROVIDERS, Outcome, Settings, compare
from siftcore.demo_page.pairs import Pair
from siftcore.demo_page.process import ComparisonProcess, EndedError, FailedError, StoppedError
from siftcore.demo_page.samples import SAMPLES
from siftcore.demo_page.uploads import Upload

CAT = Upload(str(SAMPLES[2].image_a), "cat.jpg")


class Here(ComparisonProcess):
    """Compares in this process, or raises."""

    def __init__(self, raised: Exception | None = None) -> None:
        super().__init__()
        self.raised = raised

    def compare(
        self, pair: Pair, providers: Sequence[str], settings: Settings, caller: object = None
    ) -> Generator[Outcome, None, None]:
        assert caller == "session"
        if self.raised is not None:
            raise self.raised
        yield from compare(pair, providers, settings)


def _statuses(
    *,
    upload: Upload | None = CAT,
    main: tuple[str, ...] = ("dog",),
    raised: Exception | None = None,
) -> list[str]:
    inputs = (upload, None, list(main), [], 2, 10, 300, 0.8, "homography", "800", False)
    shown = list(running.run_comparison(Here(raised), 1.0, "cpu", "session", *inputs))
    assert {len(outputs) for outputs in shown} == {3 + 3 * MAX_PROVIDERS}
    # It can be stopped until there is nothing more to come.
    stoppable = [outputs[1]["interactive"] for outputs in shown]
    assert stoppable == [True] * (len(shown) - 1) + [False]
    return [outputs[0] for outputs in shown]


def test_it_says_what_goes_on() -> None:
    statuses = _statuses(main=("dog", "bicubic-x2"))
    for status, text in zip(
        statuses,
        ("Reading", "Working: dog, bicubic-x2 ...", "Working: bicubic-x2 ...", "Done: A at 451"),
        strict=True,
    ):
        assert 'role="status"' in status
        assert text in status


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (MemoryError(), "Not enough memory for this image"),
        (RuntimeError("/home/me/secret"), "RuntimeError: see the terminal that runs this page."),
        (FailedError("KeyError"), "KeyError: see the terminal that runs this page."),
        (EndedError(), "The process that compares has ended; "),
    ],
)
def test_failures_are_said(
    capsys: pytest.CaptureFixture[str], raised: Exception, text: str
) -> None:
    last = _statuses(raised=raised)[-1]
    assert 'role="alert"' in last
    assert text in last
    assert "secret" not in last
    assert ("secret" in capsys.readouterr().err) == isinstance(raised, RuntimeError)


def test_a_stopped_comparison_says_so_and_nothing_else() -> None:
    last = _statuses(raised=StoppedError())[-1]
    assert 'role="status"' in last
    assert "Stopped." in last


def test_inputs_that_the_page_refuses() -> None:
    assert "image A is missing" in _statuses(upload=None)[-1]
    assert "no provider is chosen" in _statuses(main=())[-1]
