"""Parley's migrations, in order. They import nothing from `app`: what they build must not change with it."""
