"""Scale spaces: the interface, the classical one, super-resolved ones, and their registry."""
