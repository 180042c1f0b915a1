"""Put the page together and write it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from bench.html.pictures import make_pictures
from bench.html.plots import make_plots
from bench.html.results import ShownResult, readable_results
from bench.html.summary import summary
from bench.html.tables import show_table
from bench.session import Session
from siftcore.io.atomic import atomic_write, check_writable

__all__ = ["build"]

_FOLDER = Path(__file__).parent
_PURPOSES = {
    "preservation": "A low-resolution query against a high-resolution reference.",
    "psnr": "How close the predicted DoG images come to the true ones, level by level.",
    "matching": "Two low-resolution images against each other, counted as in the paper.",
    "cost": "Parameters, multiply-adds, seconds and memory.",
    "ablations": "What the parts of the paper's networks bring, trained alike.",
    "repeatability": "Which keypoints are found again in the other image of a pair.",
    "warps": "Pairs made from photographs, so that the geometry is exact.",
    "spectrum": "How much each level holds at each frequency.",
    "conformance": "Agreement with the published SIFT programs and with synthetic truth.",
    "runtimes": "A network alone, by PyTorch and by ONNX Runtime.",
    "speed": "Detection, description and matching beside other programs; growth and memory.",
    "startup": "From the start of a process to its first result.",
    "demo": "One stereo pair at half size.",
}


def build(
    results: Path,
    out: Path,
    session: Session,
    data: Path | None = None,
    providers: Sequence[str] = (),
) -> Path:
    """Write one HTML file with all results; it opens offline.

    Parameters
    ----------
    results : path
        Folder of JSON files that benchmarks wrote. What is no result is skipped and named on the
        page.
    out : path
        The HTML file.
    session : Session
    data : path, optional
        Photographs for the pictures: a folder of images, or of pairs in the layout of the Oxford
        affine data set. By default the motorcycle pair that scikit-image ships.
    providers : sequence of str, optional
        Shown in the pictures; by default those of the results that are available here.

    Returns
    -------
    path
        `out`.

    Raises
    ------
    InputError
        When there is no result, or no photograph in `data`.
    OutputError
        When the file cannot be written.
    """
    check_writable(out)
    found = readable_results(results, session)
    best = summary(found)
    script = (_FOLDER / "script.js").read_text(encoding="utf-8")
    html = _template().render(
        summary=None if best is None else show_table(best),
        plots=make_plots(found),
        pictures=make_pictures(found, data, providers, session),
        benchmarks=[_benchmark(result) for result in found],
        skipped=session.skipped,
        failed=session.failed,
        dates=sorted({result.date for result in found}),
        machines=sorted({_machine(result) for result in found}),
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    with atomic_write(out) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return out


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        # Names and reasons come from files and from other people's programs.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html")


def _benchmark(result: ShownResult) -> dict[str, object]:
    about = result.environment
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    settings = {key: _setting(value) for key, value in result.report.settings.items()}
    command = {"Command": result.report.command} if result.report.command else {}
    return {
        # A heading with any name can be linked to, and no two files share one.
        "id": f"result-{quote(result.name)}",
        "name": result.name,
        "purpose": _PURPOSES.get(result.report.name, ""),
        "tables": [show_table(table) for table in result.report.tables],
        "report": result.report,
        "facts": command
        | {
            "Date": result.date,
            "Machine": _machine(result),
            "Versions": f"Python {about['python']}, {versions}",
        }
        | settings,
    }


def _setting(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _machine(result: ShownResult) -> str:
    about = result.environment
    return f"{about['machine']}, {about['cores']} cores, {about['system']}"
