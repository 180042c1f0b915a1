"""Without torch siftcore works, and what needs it says how to get it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

# As if neither were installed: not found, and not importable.
BLOCKED = """
    import importlib.util, sys

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ("torch", "safetensors"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    usual = importlib.util.find_spec

    def find_spec(name, package=None):
        return None if name in ("torch", "safetensors") else usual(name, package)

    importlib.util.find_spec = find_spec
    sys.meta_path.insert(0, Blocker())
"""


def python(code, *arguments):
    source = textwrap.dedent(BLOCKED) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", source, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_engine_works_and_networks_say_what_they_need():
    done = python(
        """
        import numpy as np
        import siftcore
        from siftcore import MissingDependencyError

        image = np.random.default_rng(0).random((40, 48), np.float32)
        assert len(siftcore.extract(image)) > 0
        everything = siftcore.list_providers()
        available = siftcore.list_providers(available_only=True)
        assert {"dog", "bicubic-x2"} <= set(available), available
        assert {"method3-x2", "vdsr-x2"} <= set(everything), everything
        assert not [n for n in available if n.startswith(("method", "vdsr", "srgan"))], available
        assert siftcore.provider_info("method3-x2").missing == "torch"
        for use in (siftcore.get_provider, lambda name: siftcore.extract(image, provider=name)):
            try:
                use("method3-x2")
            except MissingDependencyError as error:
                print(error)
        """
    )
    assert done.returncode == 0, done.stderr
    message = (
        "provider 'method3-x2' needs the package 'torch', which is not installed; "
        'run: pip install "siftcore[torch]"\n'
    )
    assert done.stdout == 2 * message


def test_the_package_and_its_providers_can_be_imported():
    done = python("import dognets, dognets.providers, dognets.errors")
    assert done.returncode == 0, done.stderr


def test_the_command_is_one_line():
    done = python(
        """
        from dognets.cli import main
        sys.argv = ["dognets", "presets"]
        main()
        """
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: dognets needs the package 'torch', which is not installed; "
        'run: pip install "siftcore[torch]"\n'
    )


def test_help_needs_nothing():
    done = python(
        """
        from dognets.cli import main
        sys.argv = ["dognets", "--help"]
        main()
        """
    )
    assert done.returncode == 0, done.stderr
    assert "dognets train --preset" in " ".join(done.stdout.split())


def test_importing_providers_does_not_import_torch():
    code = (
        "import sys, dognets, dognets.providers, dognets.cli, dognets.errors, siftcore\n"
        "siftcore.provider_info('method3-x2')\n"
        "print(sorted({'torch', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
