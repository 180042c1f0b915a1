"""What the page's button does where something goes wrong, and what a crafted request gets."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("gradio", reason="needs gradio (pip install 'siftcore[demo]')")

from bench.browser import demo_server
from siftcore.demo_page import page
from siftcore.demo_page.compare import MAX_PROVIDERS
from siftcore.demo_page.samples import SAMPLES
from siftcore.demo_page.uploads import Upload

CAT = Upload(str(SAMPLES[2].image_a), "cat.jpg")


def _statuses(*, upload: Upload | None = CAT, main: tuple[str, ...] = ("dog",)) -> list[str]:
    inputs = (upload, None, list(main), [], 2, 10, 300, 0.8, "homography", "800", False)
    shown = list(page._run(1.0, "cpu", *inputs))
    assert {len(outputs) for outputs in shown} == {2 + 3 * MAX_PROVIDERS}
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
    ],
)
def test_failures_are_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: Exception,
    text: str,
) -> None:
    def fail(*_: Any) -> Iterator[Any]:
        raise raised
        yield

    monkeypatch.setattr(page, "compare", fail)
    last = _statuses()[-1]
    assert 'role="alert"' in last
    assert text in last
    assert "secret" not in last
    assert ("secret" in capsys.readouterr().err) == isinstance(raised, RuntimeError)


def test_inputs_that_the_page_refuses() -> None:
    assert "image A is missing" in _statuses(upload=None)[-1]
    assert "no provider is chosen" in _statuses(main=())[-1]


def _answer(address: str, inputs: list[Any]) -> str:
    """What the button's function sends for `inputs`, as any program may post them."""
    with urllib.request.urlopen(f"{address}config", timeout=30) as response:
        config = json.load(response)
    (index,) = [d["id"] for d in config["dependencies"] if len(d["inputs"]) == len(inputs)]
    request = {"data": inputs, "fn_index": index, "session_hash": "abc"}
    post = urllib.request.Request(
        f"{address}gradio_api/queue/join",
        json.dumps(request).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(post, timeout=30):
        pass
    stream = f"{address}gradio_api/queue/data?session_hash=abc"
    with urllib.request.urlopen(stream, timeout=60) as response:
        for line in response:
            if b"process_completed" in line:
                return line.decode()
    raise AssertionError("no answer")


def _uploaded(address: str, path: Path) -> str:
    """Where the server put the file."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    post = urllib.request.Request(
        f"{address}gradio_api/upload",
        head + path.read_bytes() + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
    )
    with urllib.request.urlopen(post, timeout=30) as response:
        (name,) = json.load(response)
    return name


def test_a_request_cannot_read_the_servers_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.open(CAT.path).save(secret)

    def inputs(path: Path | str) -> list[Any]:
        image = {"path": str(path), "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
        return [image, None, ["dog"], [], 2, 10, 300, 0.8, "homography", "800", False]

    with demo_server() as address:
        refused = _answer(address, inputs(secret))
        assert '"success":false' in refused.replace(" ", "")
        # The same file by the door is let in: it is the place that was refused.
        assert "Done: A at 451 x 300" in _answer(address, inputs(_uploaded(address, secret)))
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{address}gradio_api/file={secret}", timeout=30)
        caught.value.close()
        assert caught.value.code in (403, 404)
