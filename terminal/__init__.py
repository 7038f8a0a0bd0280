"""Parallax: one desk for every venue, for people who trade by hand."""

__version__ = "0.1.0"
