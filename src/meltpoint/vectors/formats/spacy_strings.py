"""How spaCy numbers strings: by a hash of their bytes, but for its own symbols, which are counted.

``StringStore`` gives each string the 64-bit MurmurHash2 of its UTF-8 with the seed 1 (A. Appleby, MurmurHash64A). The
names of attributes, parts of speech, entity types and dependency labels have the small numbers of ``spacy.symbols``
instead, and words that are spelt like them (``TIME``, ``root``, ``num``) are found under these.
"""

_MULTIPLIER = 0xC6A4A7935BD1E995
_SHIFT = 47
_SEED = 1
_BITS = (1 << 64) - 1

_ATTRIBUTES = """
IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_PUNCT IS_SPACE IS_TITLE IS_UPPER LIKE_URL LIKE_NUM LIKE_EMAIL IS_STOP
IS_OOV_DEPRECATED IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY
"""
_FLAGS = range(19, 64)
_MORE_ATTRIBUTES_AND_TAGS = """
ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE HEAD SENT_START SPACY
PROB LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE
"""
_DEPRECATED = range(104, 380)
_ENTITIES_AND_DEPENDENCIES = """
PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY
ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj csubjpass
dep det dobj expl hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num number oprd
obj obl parataxis partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod root xcomp
acl ENT_KB_ID MORPH ENT_ID IDX _
"""

SYMBOLS: tuple[str, ...] = (
    *_ATTRIBUTES.split(),
    *(f"FLAG{number}" for number in _FLAGS),
    *_MORE_ATTRIBUTES_AND_TAGS.split(),
    *(f"DEPRECATED{number - _DEPRECATED.start + 1:03}" for number in _DEPRECATED),
    *_ENTITIES_AND_DEPENDENCIES.split(),
)
"""The strings numbered from 1 on."""

_NUMBERS = {symbol.encode(): number for number, symbol in enumerate(SYMBOLS, start=1)}


def number_of(string: bytes) -> int:
    """Returns the number of a string, UTF-8.

    >>> number_of(b"coffee"), number_of(b"TIME")
    (3197928453018144401, 392)
    """
    symbol = _NUMBERS.get(string)
    return _murmur(string) if symbol is None else symbol


def _murmur(data: bytes) -> int:
    value = _SEED ^ (len(data) * _MULTIPLIER & _BITS)
    whole = len(data) & ~7
    for start in range(0, whole, 8):
        block = int.from_bytes(data[start : start + 8], "little") * _MULTIPLIER & _BITS
        block = (block ^ (block >> _SHIFT)) * _MULTIPLIER & _BITS
        value = (value ^ block) * _MULTIPLIER & _BITS
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _BITS
    value = (value ^ (value >> _SHIFT)) * _MULTIPLIER & _BITS
    return value ^ (value >> _SHIFT)
