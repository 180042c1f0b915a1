"""What is measured, as functions of arrays."""
