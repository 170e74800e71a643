"""The suffixes of files with one token a line."""

CONLL_SUFFIXES = (".conll", ".conll03", ".bio", ".iob", ".iob2")
