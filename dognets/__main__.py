"""``python -m dognets`` is the command ``dognets``."""

from dognets.cli import main

if __name__ == "__main__":
    main()
