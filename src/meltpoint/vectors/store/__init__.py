"""The store: what later opens map, how words are found in it, and how rows are copied out of it."""
