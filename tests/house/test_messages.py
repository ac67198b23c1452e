"""Every message that the pack raises or warns of is held by a test that matches its text."""

from __future__ import annotations

from adk_tests.house.messages import Message, messages, strings_of, without_test
from adk_tests.house.rooms import ROOT, below

ROOMS = (
    "motion_models",
    "sampling",
    "lockstep",
    "training",
    "nodes",
    "standalone",
    "launcher",
    "fleet",
    "measures",
)
FILES = ("run.py", "train.py")

LEFT = {
    # FFmpeg opens no file that ends before its first frame, so far as we know
    "training/data/probes.py: … holds no frames.",
    # file systems without locks are rare
    "training/files/locks.py: … cannot be locked: let no other process write there.",
}
"""Messages without a test. It only shrinks: a new message needs a test that provokes it."""


def every_message() -> list[Message]:
    files = [*(str(path) for room in ROOMS for path in below(room)), *FILES]
    return [told for f in files for told in messages(f, (ROOT / f).read_text(encoding="utf-8"))]


def test_every_message_has_a_test_that_matches_its_text() -> None:
    strings = set()
    for path in below("tests"):
        if path.parts[1] != "house":
            strings |= strings_of((ROOT / path).read_text(encoding="utf-8"))
    told = every_message()
    assert len(told) > 200, "the collector reads nothing"
    left = {message.name for message in without_test(told, strings)}
    assert sorted(left - LEFT) == [], "write a test that provokes it and matches its text"
    assert sorted(LEFT - left) == [], "it has a test now, or is gone: take it out of LEFT"


SOURCE = '''
text = "Never told."

def check(x):
    """Raise ValueError for what is wrong."""
    reason = "it is too large" if x > 3 else f"it is smaller than {LEAST}"
    if x:
        raise ValueError(f"x is {x}, " + reason)
    log.warning("%d of %d layers match nothing in %s.", 1, 2, "the model")
    log.info("All is well.")
    if not x:
        raise refused("The door stays shut.") from error
    raise UnreadableClip(sentence(x) or "No clip.")

def sentence(x):
    return f"{x} cannot be played."

def refused(why):
    return ValueError(f"Refused: {why} Come back later.")

class Door:
    def open(self):
        raise AnyError
'''


def test_messages_are_read_wherever_they_are_made() -> None:
    found = {told.name for told in messages("a.py", SOURCE)}
    assert found == {
        "a.py: x is …, it is too large",
        "a.py: x is …, it is smaller than …",
        "a.py: … of … layers match nothing in ….",
        "a.py: the model",
        "a.py: The door stays shut.",
        "a.py: … cannot be played.",
        "a.py: No clip.",
        "a.py: Refused: … Come back later.",
    }


TEST = '''
def test_a(caplog):
    """x is 5, it is too large"""
    with pytest.raises(ValueError, match=r"x is 2, it is (smaller|less) than"):
        check(2)
    assert "3 of 4 layers match nothing" in caplog.text
    assert f"Refused: {why} Come back later." == str(error)
    match = r"(?s)cannot be .*played"
'''


def test_strings_of_tests_cover_messages_docstrings_do_not() -> None:
    left = without_test(list(messages("a.py", SOURCE)), strings_of(TEST))
    assert {message.name for message in left} == {
        "a.py: x is …, it is too large",
        "a.py: x is …, it is smaller than …",
        "a.py: the model",
        "a.py: The door stays shut.",
        "a.py: … cannot be played.",
        "a.py: No clip.",
    }
