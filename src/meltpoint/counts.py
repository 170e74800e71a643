"""Counts as people write them."""


def counted(number: int, noun: str) -> str:
    """Says how many: ``1 row``, ``3,075 questions``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
