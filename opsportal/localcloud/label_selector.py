"""``label_selector``: its forms (platform API §9) and what they match."""

import re
from collections.abc import Callable, Mapping

from . import metadata
from .errors import bad_query

Selector = Callable[[Mapping[str, str]], bool]
MOST_REQUIREMENTS = 50
_SET = re.compile(r"(?P<key>\S+)\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)\Z")
_EQUAL = re.compile(r"(?P<key>[^=!\s]+)\s*(?P<how>==|=|!=)\s*(?P<value>[^=!\s]*)\Z")
_EXISTS = re.compile(r"(?P<absent>!?)\s*(?P<key>[^=!()\s,]+)\Z")


def parse_label_selector(text: str) -> Selector:
    """What tells whether labels fulfil every requirement of a selector; 400 when it is malformed."""
    if not text.strip():
        raise bad_query("Missing label_selector value")
    requirements = [one.strip() for one in _split(text)]
    if len(requirements) > MOST_REQUIREMENTS:
        raise bad_query(f"Too many label_selector requirements (maximum is {MOST_REQUIREMENTS})")
    tests = [_requirement(one) for one in requirements]
    return lambda labels: all(test(labels) for test in tests)


def _split(text: str) -> list[str]:
    return re.split(r",(?![^(]*\))", text)


def _requirement(text: str) -> Selector:
    if found := _SET.match(text):
        values = frozenset(one.strip() for one in found["values"].split(","))
        return _among(_key(found["key"]), _checked(values), found["how"] == "in")
    if found := _EQUAL.match(text):
        values = _checked(frozenset({found["value"]}))
        return _among(_key(found["key"]), values, found["how"] != "!=")
    if found := _EXISTS.match(text):
        key, wanted = _key(found["key"]), not found["absent"]
        return lambda labels: (key in labels) == wanted
    raise bad_query("Invalid label_selector value")


def _among(key: str, values: frozenset[str], wanted: bool) -> Selector:
    """With ``wanted`` false a label that is absent matches too."""
    return lambda labels: (key in labels and labels[key] in values) == wanted


def _key(text: str) -> str:
    wrong = metadata.key_problem(text)
    if wrong:
        raise bad_query(wrong)
    return text


def _checked(values: frozenset[str]) -> frozenset[str]:
    for value in values:
        wrong = metadata.label_value_problem(value)
        if wrong:
            raise bad_query(wrong)
    return values
