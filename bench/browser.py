"""A headless Chromium, and a running ``siftcore demo``, for pictures and tests of pages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from siftcore.errors import MissingDependencyError, SiftError

__all__ = ["chromium", "chromium_paths", "demo_server"]

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip


def chromium_paths() -> tuple[str | None, str | None]:
    """The browser and its driver, None where they are not installed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    return browser, shutil.which("chromedriver")


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A selenium driver with an empty profile, which logs the console and the network.

    Raises
    ------
    MissingDependencyError
        Without selenium, Chromium or its driver.
    """
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        raise MissingDependencyError("selenium", "a browser", "test") from None
    browser, driver_path = chromium_paths()
    if browser is None or driver_path is None:
        raise MissingDependencyError("chromium-driver (Debian)", "a browser", None)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=driver_path))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def demo_server(*options: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """``siftcore demo`` in a process of its own, at a free port; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: Sequence[str] = [
        sys.executable, "-m", "siftcore", "demo", "--no-browser", "--port", str(port), *options,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | (environment or {}),
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("siftcore demo: "):
                break
        else:
            raise SiftError(f"siftcore demo did not start: {''.join(said).strip()}")
        yield line.split()[2]
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
