"""Names of people and firms as search keys. A key is for finding; the name itself is shown as it was
written."""

import re
import unicodedata

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_DOTS = str.maketrans(dict.fromkeys("•‧・･∙⋅.", "·"))
_BLANKS = re.compile(r"\s+")


def name_key(raw: str) -> str:
    """NFKC, case folded, blanks collapsed, one kind of middle dot: ` ＬＩ  Wei ` -> `li wei`. '' for a blank
    name."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).casefold())
    return _BLANKS.sub(" ", folded.translate(_INVISIBLE).translate(_DOTS)).strip()


def compact_name_key(raw: str) -> str:
    """`name_key` without any blank or middle dot: `李 伟` and `李伟` are one name, so are both forms of 阿里木·江."""
    return name_key(raw).replace(" ", "").replace("·", "")
