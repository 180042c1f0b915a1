"""The commands of ``dognets``, a file for each kind."""
