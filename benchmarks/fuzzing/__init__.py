"""Tries every reader of vectors with damaged and hostile files."""
