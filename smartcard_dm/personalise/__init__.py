"""personalise."""
