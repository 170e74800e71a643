"""Finds what is to be opened, and its bytes: files, members of zips, compressed files, folders, packages."""
