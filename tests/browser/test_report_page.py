"""The report page in a browser: no network, sorting, both colour schemes, a phone's width."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.browser import chromium, chromium_paths
from bench.html import build
from bench.page_picture import resize
from bench.session import Session
from tests.bench.results import write_results

pytest.importorskip("selenium", reason="needs selenium (pip install it)")
WebDriverWait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

pytestmark = pytest.mark.skipif(
    None in chromium_paths(),
    reason="needs chromium and chromedriver (Debian: apt install chromium chromium-driver)",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    scene = folder / "pairs" / "camera"
    scene.mkdir(parents=True)
    for number, left in ((1, 160), (2, 168)):
        Image.fromarray(data.camera()[100:260, left : left + 192]).save(scene / f"img{number}.png")
    np.savetxt(scene / "H1to2p", [[1, 0, -8], [0, 1, 0], [0, 0, 1]])
    results = write_results(folder / "results")
    return build(results, folder / "report.html", Session(), folder / "pairs", ["bicubic-x2"])


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def browser(driver: Any, page: Path) -> Any:
    """The page, just loaded, with empty logs, in a light system on a desktop."""
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    _prefer(driver, "light")
    resize(driver, 1200, 800)
    driver.get(page.as_uri())
    # On a busy machine `get` now and then returns while the page is still being read.
    WebDriverWait(driver, 30).until(
        lambda c: (
            c.execute_script("return location.href + ' ' + document.readyState")
            == f"{page.as_uri()} complete"
        )
    )
    return driver


def _prefer(browser: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _luminance(browser: Any, property_: str) -> float:
    """Of a colour of the body, from 0 to 255."""
    # A canvas reads whatever notation the browser answers in.
    red, green, blue = browser.execute_script(
        "const pen = document.createElement('canvas').getContext('2d');"
        "pen.fillStyle = getComputedStyle(document.body)[arguments[0]];"
        "pen.fillRect(0, 0, 1, 1);"
        "return Array.from(pen.getImageData(0, 0, 1, 1).data).slice(0, 3);",
        property_,
    )
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _column(browser: Any, header: Any) -> list[str]:
    return browser.execute_script(
        "const th = arguments[0].closest('th');"
        "return Array.from(th.closest('table').tBodies[0].rows,"
        "  row => row.cells[th.cellIndex]?.dataset.sort ?? '');",
        header,
    )


def _header(browser: Any, table: str, column: str) -> Any:
    path = f"//figure[figcaption='{table}']//th[@scope='col']/button[normalize-space(.)='{column}']"
    return browser.find_element("xpath", path)


def _sorting(header: Any) -> str:
    return header.find_element("xpath", "..").get_attribute("aria-sort")


def test_it_loads_without_errors_or_requests(browser: Any, page: Path) -> None:
    assert browser.title == "siftcore: benchmark results"
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert page.as_uri() in asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert browser.get_log("browser") == []


def test_pictures_and_plots_are_drawn(browser: Any) -> None:
    sizes = browser.execute_script("return Array.from(document.images, i => i.naturalWidth)")
    assert len(sizes) == 4
    assert min(sizes) > 100
    boxes = browser.execute_script(
        "return Array.from(document.querySelectorAll('svg'), s => s.getBoundingClientRect())"
    )
    assert len(boxes) == 7
    assert all(box["width"] > 300 and box["height"] > 200 for box in boxes)


@pytest.mark.parametrize("by", ["click", "keyboard"])
def test_a_column_sorts_both_ways(browser: Any, by: str) -> None:
    table = "Gain in DoG PSNR over bicubic enlargement, dB, x2"
    header = _header(browser, table, "D1")
    assert _column(browser, header) == ["6.6", "3.1", ""]
    assert _sorting(header) == "none"
    for direction, expected in (
        ("ascending", ["3.1", "6.6", ""]),
        ("descending", ["6.6", "3.1", ""]),
    ):
        if by == "click":
            header.click()
        else:
            browser.execute_script("arguments[0].focus()", header)
            header.send_keys("\ue007" if direction == "ascending" else " ")
        assert _column(browser, header) == expected
        assert _sorting(header) == direction


def test_numbers_sort_by_value_and_names_by_letter(browser: Any) -> None:
    table = "Low-resolution query, x4, clean, 1000 keypoints"
    matches = _header(browser, table, "correct matches")
    matches.click()
    # By their text "110" would come before "75".
    assert [float(value) for value in _column(browser, matches)] == [75.0, 110.0, 112.5, 236.0]
    names = _header(browser, table, "query")
    names.click()
    assert _sorting(matches) == "none"
    rows = browser.execute_script(
        "return Array.from(arguments[0].closest('table').tBodies[0].rows,"
        "  row => row.cells[0].textContent)",
        names,
    )
    assert rows == ["bicubic-x4", "dog", "high resolution", "method3-x4"]


def test_a_phone_scrolls_tables_not_the_page(browser: Any) -> None:
    resize(browser, 375, 800)
    time.sleep(0.1)
    assert browser.execute_script("return innerWidth") == 375
    assert browser.execute_script("return document.documentElement.scrollWidth") == 375
    assert browser.execute_script(
        "return Array.from(document.querySelectorAll('.scroll'))"
        "  .some(box => box.scrollWidth > box.clientWidth)"
    )


def test_it_follows_the_system_and_the_toggle(browser: Any) -> None:
    assert _luminance(browser, "backgroundColor") > 240
    assert _luminance(browser, "color") < 60
    toggle = browser.find_element("id", "theme")
    _prefer(browser, "dark")
    assert _luminance(browser, "backgroundColor") < 40
    assert _luminance(browser, "color") > 200
    assert toggle.text == "Light"
    toggle.click()
    assert _luminance(browser, "backgroundColor") > 240
    assert toggle.text == "Dark"
    toggle.click()
    assert _luminance(browser, "backgroundColor") < 40


def test_plots_take_the_colours_of_the_scheme(browser: Any) -> None:
    read = (
        "return Array.from(document.querySelectorAll('svg text, svg path'),"
        "  e => getComputedStyle(e).fill + getComputedStyle(e).stroke)"
    )
    light = browser.execute_script(read)
    _prefer(browser, "dark")
    dark = browser.execute_script(read)
    assert len(light) > 100
    changed = [a != b for a, b in zip(light, dark, strict=True)]
    assert sum(changed) > 0.9 * len(changed)


def test_folded_parts_open_for_print(browser: Any) -> None:
    count = "return document.querySelectorAll('details:not([open])').length"
    assert browser.execute_script(count) > 5
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(count) == 0
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(count) > 5
