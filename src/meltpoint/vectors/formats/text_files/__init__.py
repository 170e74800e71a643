"""Vectors as text, of GloVe, word2vec and fastText: from blocks of lines to words and rows."""
