"""Weight files: safetensors beside a manifest that says what each is and what it must hash to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dognets.errors import WeightsError
from dognets.models import SuperResolver, build_model

if TYPE_CHECKING:
    import torch

__all__ = ["WEIGHTS_FOLDER", "WeightsEntry", "load_model", "read_manifest", "save_weights"]

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class WeightsEntry:
    """What a manifest says of one weight file.

    Attributes
    ----------
    name : str
        Of the provider whose weights they are.
    file : str
        Name of the file, in the manifest's folder.
    sha256 : str
        Of the file, hexadecimal.
    architecture : str
        One of `dognets.models.ARCHITECTURES`.
    scale : int
        Upsampling factor, 2 or 4.
    options : dict
        Sizes of the network.
    ladder : str
        What its levels are: ``"image"`` (every ladder follows by blurring), ``"lowe"`` or
        ``"paper"``.
    data : str
        What it was trained on.
    degradation : str
        Of the low-resolution images, in training and validation.
    iterations : int
        Updates of the weights.
    samples : int
        Patches seen in all of them.
    converged : str
        How far it was trained, in words.
    command : str
        What to run to train it again.
    commit : str
        Of this project, when it was trained.
    licence : str
        SPDX identifier.
    validation : dict
        ``psnr`` and ``gain`` over bicubic of each DoG level on the images kept back, dB.
    """

    name: str
    file: str
    sha256: str
    architecture: str
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    ladder: str
    data: str
    degradation: str = "clean"
    iterations: int
    samples: int
    converged: str
    command: str
    commit: str
    licence: str
    validation: dict[str, list[float]]


def read_manifest(folder: str | Path = WEIGHTS_FOLDER) -> dict[str, WeightsEntry]:
    """Entries of ``folder/manifest.json`` by file name; empty where there is none.

    Raises
    ------
    WeightsError
        When it is damaged.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return {}
    try:
        entries = [WeightsEntry(**entry) for entry in json.loads(path.read_text("utf-8"))]
        for entry in entries:
            strings = (entry.file, entry.sha256, entry.architecture)
            if not all(isinstance(s, str) for s in strings) or not isinstance(entry.options, dict):
                raise TypeError(f"an entry of wrong types: {entry}")
    # RecursionError: brackets nested thousands deep.
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"the manifest {str(path)!r} is damaged: {error}; fetch it again"
        ) from error
    return {entry.file: entry for entry in entries}


def load_model(path: str | Path) -> tuple[SuperResolver, WeightsEntry]:
    """A network from a weight file that is listed in the manifest beside it.

    Parameters
    ----------
    path : path
        A ``.safetensors`` file, or the folder of a run, which has one.

    Raises
    ------
    WeightsError
        When the file is missing, damaged, not listed, altered, of another architecture, or holds
        NaN or infinity.
    """
    from safetensors.torch import load

    path = Path(path)
    if path.is_dir():
        path = path / "weights.safetensors"
    if not path.is_file():
        raise WeightsError(f"no weight file {str(path)!r}; train one with `dognets train`")
    entry = read_manifest(path.parent).get(path.name)
    if entry is None:
        raise WeightsError(
            f"{str(path)!r} is not listed in {MANIFEST} beside it; keep a weight file under its "
            "name, together with its manifest"
        )
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise WeightsError(
            f"{str(path)!r} is damaged or was altered: its SHA-256 is {found[:12]}..., the "
            f"manifest says {entry.sha256[:12]}...; fetch it again"
        )
    try:
        state = {key: value.float() for key, value in load(content).items()}
        _check_sizes(entry, state)
        model = build_model(entry.architecture, entry.scale, **_options(entry))
        model.load_state_dict(state)
    except WeightsError:
        raise
    # safetensors and torch raise errors of every kind at damaged files.
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WeightsError(
            f"{str(path)!r} does not fit the architecture {entry.architecture!r}: {reason}"
        ) from error
    for key, value in model.state_dict().items():
        if not value.isfinite().all():
            raise WeightsError(f"{str(path)!r}: {key} holds NaN or infinity; train it again")
    return model.eval(), entry


def _options(entry: WeightsEntry) -> dict[str, Any]:
    taken = {"architecture", "scale", "self"} & entry.options.keys()
    if taken:
        raise WeightsError(f"{entry.file!r}: no option may be called {taken.pop()!r}")
    return entry.options


def _check_sizes(entry: WeightsEntry, state: Mapping[str, torch.Tensor]) -> None:
    """Raise `WeightsError` before a damaged option asks for more memory than there is."""
    import torch

    # Shapes without memory.
    with torch.device("meta"):
        model = build_model(entry.architecture, entry.scale, **_options(entry))
    promised, held = model.count_parameters(), sum(value.numel() for value in state.values())
    if promised > held:
        raise WeightsError(
            f"{entry.file!r} does not fit the architecture {entry.architecture!r}: it holds {held} "
            f"numbers, and the network that its manifest describes has {promised}; fetch both again"
        )


def save_weights(
    model: SuperResolver, path: str | Path, facts: Mapping[str, Any], *, half: bool = False
) -> WeightsEntry:
    """Write a weight file and its line in the manifest beside it.

    Parameters
    ----------
    model : SuperResolver
    path : path
        Ends in ``.safetensors``.
    facts : mapping
        The fields of `WeightsEntry` that the file does not tell.
    half : bool, default False
        Store float16.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    from safetensors.torch import save

    from siftcore.io.atomic import atomic_write

    path = Path(path)
    state = {
        key: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
        for key, value in model.state_dict().items()
    }
    content = save(state)
    entry = WeightsEntry(
        file=path.name, sha256=hashlib.sha256(content).hexdigest(), scale=model.scale, **facts
    )
    entries = read_manifest(path.parent) | {path.name: entry}
    text = json.dumps([asdict(entries[key]) for key in sorted(entries)], indent=1)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    with atomic_write(path.parent / MANIFEST) as temporary:
        temporary.write_text(text + "\n", "utf-8")
    return entry
