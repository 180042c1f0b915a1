"""A picture of the page of ``siftcore demo`` with a result on it, for the documentation."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from bench.browser import chromium, demo_server
from siftcore.io.atomic import atomic_write, check_writable

__all__ = ["draw", "resize", "run_sample", "wait_for"]

_SECONDS = 120


def wait_for(browser: Any, script: str, *arguments: Any, seconds: float = _SECONDS) -> Any:
    """What `script` returns in the page once that is neither null, false, 0 nor empty."""
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(
        lambda b: b.execute_script(script, *arguments)
    )


def resize(browser: Any, width: int, height: int) -> None:
    """A window of that many pixels; a phone's where it is narrow."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def run_sample(browser: Any, address: str, number: int) -> None:
    """Open the page, take a sample, match, and wait for the end."""
    browser.get(address)
    sample = f"#sample-{number}"
    parts = ["#run", sample]
    wait_for(browser, "return arguments[0].every(part => document.querySelector(part))", parts)
    browser.execute_script("document.querySelector(arguments[0]).click()", sample)
    wait_for(browser, "return document.querySelector('#image-a img')?.naturalWidth")
    browser.execute_script("document.querySelector('#run').click()")
    wait_for(
        browser, "return document.querySelector('#status')?.textContent.trim().startsWith('Done')"
    )
    wait_for(browser, "return document.querySelector('#matches-0 img')?.naturalWidth")


def draw(out: Path, sample: int = 1, width: int = 1000, height: int | None = None) -> None:
    """Photograph the page.

    Parameters
    ----------
    out : path
        The PNG file.
    sample : int, default 1
        Which sample's button is pressed.
    width : int, default 1000
        Of the window, in pixels.
    height : int, optional
        The same; by default that of the whole page.

    Raises
    ------
    MissingDependencyError
        Without Gradio, selenium or Chromium.
    """
    check_writable(out)
    with (
        tempfile.TemporaryDirectory() as profile,
        demo_server() as address,
        chromium(Path(profile)) as browser,
    ):
        resize(browser, width, height or 900)
        run_sample(browser, address, sample)
        if height is None:
            # The page fills the window, so that it is measured in one that is too low.
            resize(browser, width, 600)
            whole = browser.execute_script("return document.documentElement.scrollHeight")
            resize(browser, width, whole)
        wait_for(browser, "return [...document.images].every(image => image.complete)")
        png = browser.get_screenshot_as_png()
    with atomic_write(out) as temporary:
        # A quarter of the bytes, and hardly to be seen.
        full = Image.open(io.BytesIO(png)).convert("RGB")
        picture = full.quantize(128, dither=Image.Dither.NONE)
        picture.save(temporary, format="PNG", optimize=True)
