"""A child process by fork or spawn, with a watchdog, and what it said."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["SECONDS", "in_child"]

# What a child does takes a second or two; a spawned one imports everything anew.
SECONDS = 120.0


def _run(answers: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answers.put((True, function(*arguments)))
    except BaseException:
        answers.put((False, traceback.format_exc()))


def in_child(method: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` returns there; `AssertionError` if it raises, crashes or hangs."""
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    child = context.Process(target=_run, args=(answers, function, arguments), daemon=True)
    child.start()
    try:
        good, answer = answers.get(timeout=SECONDS)
    except queue.Empty:
        raise AssertionError(f"the child gave no answer in {SECONDS} s") from None
    finally:
        child.join(5)
        if child.is_alive():
            child.kill()
            child.join()
        answers.close()
    assert good, answer
    return answer
