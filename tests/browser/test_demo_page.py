"""The page of ``siftcore demo`` in a browser: what it shows, refuses, and asks of the network."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("gradio", reason="needs gradio (pip install 'siftcore[demo]')")

from bench.browser import chromium, chromium_paths, demo_server
from bench.page_picture import resize, wait_for
from siftcore.demo_page.choices import provider_choices
from siftcore.demo_page.compare import Outcome, Settings, compare
from siftcore.demo_page.pairs import Pair, pair_of_copy
from siftcore.demo_page.samples import SAMPLES

DEFAULTS = provider_choices().chosen


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    temporary = tmp_path_factory.mktemp("temporary")
    limits = ("--max-upload-mb", "1", "--max-megapixels", "1")
    with demo_server(*limits, environment={"TMPDIR": str(temporary)}) as address:
        yield address
    assert list(temporary.glob(".siftcore-*")) == [], "uploads were left behind"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="needs selenium (pip install it)")
    if None in chromium_paths():
        pytest.skip(
            "needs chromium and chromedriver (Debian: apt install chromium chromium-driver)"
        )
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(driver: Any, address: str) -> Any:
    """The page, just loaded, with empty logs."""
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    resize(driver, 1280, 900)
    driver.get(address)
    # Gradio fetches each kind of component by itself, so that they appear in any order.
    parts = ["#image-a input[type=file]", "#image-b input[type=file]", "#providers label", "#run"]
    parts += [f"#sample-{number}" for number in range(len(SAMPLES))]
    wait_for(driver, "return arguments[0].every(part => document.querySelector(part))", parts)
    return driver


def _upload(page: Any, image: str, path: Path) -> None:
    page.find_element("css selector", f"#{image} input[type=file]").send_keys(str(path))


def _shows(page: Any, image: str) -> None:
    wait_for(page, "return document.querySelector(arguments[0])?.naturalWidth", f"#{image} img")


def _run(page: Any, beginning: str = "Done") -> str:
    """Press the button; then as `_status`."""
    page.find_element("id", "run").click()
    return _status(page, beginning)


def _status(page: Any, beginning: str) -> str:
    """The status line, once it begins so."""
    script = (
        "const text = document.querySelector('#status [role]')?.textContent ?? '';"
        "return text.startsWith(arguments[0]) ? text : null"
    )
    return wait_for(page, script, beginning)


def _tick(page: Any, providers: list[str]) -> None:
    """Only these."""
    for label in page.find_elements("css selector", "#providers label"):
        box = label.find_element("css selector", "input[type=checkbox]")
        if box.is_selected() != (label.text.strip() in providers):
            label.click()


def _rows(page: Any) -> list[list[str]]:
    return page.execute_script(
        "return [...document.querySelectorAll('#figures tr')]"
        "  .map(row => [...row.cells].map(cell => cell.textContent))"
    )


def _expected(outcome: Outcome) -> list[str]:
    result = outcome.result
    counts = [result.features_a, result.features_b, result]
    row = [outcome.provider, *(str(len(part)) for part in counts), str(outcome.n_inliers)]
    if outcome.correct_share is not None:
        row.append(f"{100 * outcome.correct_share:.1f} %")
    return row


def _picture(page: Any, name: str) -> tuple[int, str]:
    """Width and alternative text."""
    script = (
        "const image = document.querySelector(arguments[0]);"
        "return image?.naturalWidth ? [image.naturalWidth, image.alt] : null"
    )
    width, text = wait_for(page, script, f"#{name} img")
    return width, text


def test_a_sample_of_two_images(page: Any, address: str) -> None:
    page.find_element("id", "sample-0").click()
    _shows(page, "image-a")
    _shows(page, "image-b")
    _tick(page, ["dog", "bicubic-x2"])
    assert _run(page) == "Done: A at 512 x 512 against B at 400 x 400 pixels."
    header, *rows = _rows(page)
    assert header == ["provider", "keypoints A", "keypoints B", "matches", "inliers", "seconds"]
    sample = SAMPLES[0]
    assert sample.image_b is not None
    pair = Pair(Image.open(sample.image_a), Image.open(sample.image_b))
    outcomes = list(compare(pair, ["dog", "bicubic-x2"], Settings()))
    assert [row[:-1] for row in rows] == [_expected(outcome) for outcome in outcomes]
    assert all(float(row[-1]) > 0 for row in rows)
    for number, outcome in enumerate(outcomes):
        width, text = _picture(page, f"matches-{number}")
        assert width == outcome.matches.width
        assert text.startswith(f"{outcome.provider}: {len(outcome.result)} matches, ")

    # Nothing is asked of any other host, and the browser complains of nothing.
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [
        urlsplit(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    home = urlsplit(address)
    assert len(urls) > 10
    elsewhere = [
        url for url in urls if url.scheme not in ("data", "blob") and url.netloc != home.netloc
    ]
    assert elsewhere == []
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_an_uploaded_image_and_its_copy(
    page: Any, tmp_path: Path, camera: NDArray[np.uint8]
) -> None:
    image = Image.fromarray(camera[100:340, 140:460])
    image.save(tmp_path / "mine.png")
    _upload(page, "image-a", tmp_path / "mine.png")
    _shows(page, "image-a")
    assert _run(page).startswith("Done: A at 320 x 240 against its turned and reduced copy at ")
    header, *rows = _rows(page)
    assert header[-2:] == ["correct", "seconds"]
    outcomes = compare(pair_of_copy(image, 2, 10), DEFAULTS, Settings(provider_a="dog"))
    assert [row[:-1] for row in rows] == [_expected(outcome) for outcome in outcomes]

    tab = "//button[@role='tab'][contains(., 'Keypoints')]"
    page.find_element("xpath", tab).click()
    for side, column in (("a", 1), ("b", 2)):
        width, text = _picture(page, f"keypoints-0-{side}")
        assert width >= 320
        assert text == f"dog, {side.upper()}: {rows[0][column]} keypoints"


def test_what_is_refused_leaves_the_page_usable(page: Any, tmp_path: Path) -> None:
    assert _run(page, "image A is missing") == ("image A is missing; drop one, or choose a sample.")
    noise = np.random.default_rng(0).integers(0, 255, (640, 640, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "heavy.png")
    assert (tmp_path / "heavy.png").stat().st_size > 2**20
    _upload(page, "image-a", tmp_path / "heavy.png")
    wait_for(page, "return document.body.textContent.includes('exceed the maximum allowed size')")
    assert _run(page, "image A is missing")

    (tmp_path / "text.png").write_text("no image")
    _upload(page, "image-b", tmp_path / "text.png")
    wait_for(page, "return document.querySelector('#image-b img')")
    Image.new("L", (1200, 1000)).save(tmp_path / "wide.png")
    _upload(page, "image-a", tmp_path / "wide.png")
    _shows(page, "image-a")
    assert _run(page, "cannot read") == (
        "cannot read an image from 'wide.png': it has 1200 x 1000 pixels; "
        "at most 1 megapixels are taken; reduce it first."
    )
    page.find_element("id", "sample-1").click()
    wait_for(page, "return document.querySelector('#image-a img')?.naturalWidth === 600")
    _upload(page, "image-b", tmp_path / "text.png")
    wait_for(page, "return document.querySelector('#image-b img')")
    text = _run(page, "cannot read an image from 'text.png': it is not an image")
    assert str(tmp_path) not in text
    assert _rows(page) == []

    page.find_element("id", "sample-2").click()
    wait_for(page, "return document.querySelector('#image-a img')?.naturalWidth === 451")
    wait_for(page, "return document.querySelector('#image-b input[type=file]')")
    assert _run(page).startswith("Done: A at 451 x 300 against its turned and reduced copy at ")


def _can_stop(page: Any) -> bool:
    return page.find_element("id", "stop").is_enabled()


def test_stop(page: Any, tmp_path: Path) -> None:
    assert not _can_stop(page)
    noise = np.random.default_rng(0).integers(0, 255, (900, 1100), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=50)
    assert (tmp_path / "noise.jpg").stat().st_size < 2**20
    _upload(page, "image-a", tmp_path / "noise.jpg")
    _shows(page, "image-a")
    # One provider: nothing comes between its start and its end at which a thread could be asked.
    _tick(page, ["bicubic-x4"])
    page.find_element("id", "run").click()
    _status(page, "Working: bicubic-x4")
    assert _can_stop(page)
    page.find_element("id", "stop").click()
    assert _status(page, "Stopped") == "Stopped."
    wait_for(page, "return document.querySelector('#stop').disabled")
    assert _rows(page) == []

    page.find_element("id", "sample-2").click()
    wait_for(page, "return document.querySelector('#image-a img')?.naturalWidth === 451")
    _tick(page, ["dog"])
    assert _run(page).startswith("Done: A at 451 x 300")
    assert not _can_stop(page)
    assert [row[0] for row in _rows(page)] == ["provider", "dog"]


def test_who_waits_can_stop_too(page: Any, address: str, tmp_path: Path) -> None:
    """Another session's comparison goes on."""
    noise = np.random.default_rng(1).integers(0, 255, (900, 1100), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=50)
    uploaded = {
        "path": _uploaded(address, tmp_path / "noise.jpg"),
        "orig_name": "noise.jpg",
        "meta": {"_type": "gradio.FileData"},
    }
    inputs = [uploaded, None, ["bicubic-x4"], [], 2, 10, 9000, 0.8, "homography", "as it is", False]
    answers: list[str] = []
    started = threading.Event()
    other = threading.Thread(target=lambda: answers.append(_answer(address, inputs, started)))
    page.find_element("id", "sample-2").click()
    wait_for(page, "return document.querySelector('#image-a img')?.naturalWidth === 451")
    other.start()
    assert started.wait(60)
    page.find_element("id", "run").click()
    assert _status(page, "Waiting") == "Waiting for its turn ..."
    wait_for(page, "return !document.querySelector('#stop').disabled")
    page.find_element("id", "stop").click()
    assert _status(page, "Stopped") == "Stopped."
    other.join()
    assert "Done: A at 1100 x 900" in answers[0]
    assert _status(page, "") == "Stopped."
    assert _run(page).startswith("Done: A at 451 x 300")


def test_a_flat_image_is_a_result(page: Any, tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), (90, 90, 90)).save(tmp_path / "flat.png")
    _upload(page, "image-a", tmp_path / "flat.png")
    _shows(page, "image-a")
    assert "No keypoints in at least one image with dog" in _run(page)
    for row in _rows(page)[1:]:
        assert row[1:6] == ["0", "0", "0", "0", "n/a"]


def test_a_phone_scrolls_the_table_not_the_page(page: Any) -> None:
    resize(page, 400, 800)
    page.find_element("id", "sample-2").click()
    _shows(page, "image-a")
    _run(page)
    _picture(page, "matches-0")
    assert page.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [
        400, 400,
    ]  # fmt: skip


def test_every_control_has_a_name(page: Any) -> None:
    """As a screen reader gets it, from the browser's own accessibility tree."""
    nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = ("button", "checkbox", "radio", "slider", "spinbutton", "textbox", "tab")
    names = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert len(names) > 15
    assert [role for role, name in names if not name.strip()] == []


def test_only_this_machine_is_let_in(address: str) -> None:
    home = urlsplit(address)
    assert home.hostname == "127.0.0.1"
    # Another address of the same machine, as on any Linux; had it listened at all, it would answer.
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", home.port)) != 0


def _answer(address: str, inputs: list[Any], started: threading.Event | None = None) -> str:
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
            if b"process_starts" in line and started is not None:
                started.set()
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


def test_a_request_cannot_read_the_servers_files(address: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.open(SAMPLES[2].image_a).save(secret)

    def inputs(path: Path | str) -> list[Any]:
        image = {"path": str(path), "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
        return [image, None, ["dog"], [], 2, 10, 300, 0.8, "homography", "800", False]

    refused = _answer(address, inputs(secret))
    assert '"success":false' in refused.replace(" ", "")
    # The same file by the door is let in: it is the place that was refused.
    assert "Done: A at 451 x 300" in _answer(address, inputs(_uploaded(address, secret)))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{address}gradio_api/file={secret}", timeout=30)
    caught.value.close()
    assert caught.value.code in (403, 404)
