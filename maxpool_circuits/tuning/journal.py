"""What an interrupted search had found out."""

import json
import warnings
import zlib
from pathlib import Path

from nengo.exceptions import ValidationError

from ..utils.files import atomic_write, writable_target

#: What the first line of a journal starts with, whatever it is about.
MARK = {"journal of": "maxpool_circuits.tune", "format": 2}
#: First lines that are longer are no journal's.
LONGEST_FIRST_LINE = 2**20


class Journal:
    """Answers to questions, kept in memory and, if there is a path, in a file.

    A run that asks a question that an interrupted one had asked gets its answer, in
    whatever order. The file has one line of JSON for what the run is about and one for
    each question with its answer, with a number and a checksum. A file about something
    else, or that is no journal, is refused.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = folder.name + "/journal"
    >>> Journal(path, {"seed": 0}).recall(["six times", 7], lambda: 42)
    42
    >>> Journal(path, {"seed": 0}).recall(["six times", 7], lambda: "not asked again")
    42
    >>> folder.cleanup()
    """

    def __init__(self, path, about):
        self.path = None if path is None else writable_target(path)
        self._answers = {}
        if self.path is None:
            return
        about = json.loads(json.dumps(about))
        if _about(self.path) not in (None, about):
            raise ValidationError(
                f"{self.path} is the journal of another run; delete it to start again",
                attr="journal",
            )
        for question, answer in _entries(self.path):
            self._answers.setdefault(question, answer)
        # also cuts off a last line that was not finished
        with atomic_write(self.path) as unfinished:
            _append(unfinished, [_text({**MARK, "about": about})])
            entries = self._answers.items()
            _append(unfinished, [_line(n, *e) for n, e in enumerate(entries, start=1)])

    def recall(self, question, compute):
        """The answer to a question that JSON can carry, computed if it is new."""
        key = _text(question)
        if key not in self._answers:
            self._answers[key] = compute()
            if self.path is not None:
                line = _line(len(self._answers), key, self._answers[key])
                _append(self.path, [line])
        return self._answers[key]


def forget(path):
    """Delete a journal, if there is one: what came of it is safe elsewhere."""
    target = Path(path).resolve()
    try:
        is_journal = _about(target) is not None
    except ValidationError:
        is_journal = False
    if is_journal:
        target.unlink(missing_ok=True)


def _text(question):
    return json.dumps(question, sort_keys=True)


def _line(number, question, answer):
    """Line of a question, which is text, and an answer."""
    entry = [number, question, answer]
    return json.dumps([zlib.crc32(json.dumps(entry).encode()), *entry])


def _append(path, lines):
    """Add lines to a file."""
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _about(path):
    """What a journal is about; None if there is no file, and an error if it is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            header = _parsed(file.readline(LONGEST_FIRST_LINE))
    except FileNotFoundError:
        return None
    marked = isinstance(header, dict) and MARK.items() <= header.items()
    if not marked or not isinstance(header.get("about"), dict):
        raise ValidationError(
            f"{path} is no journal of this version of maxpool_circuits, so it is left "
            "as it is; name another file, or one that does not exist",
            attr="journal",
        )
    return header["about"]


def _entries(path):
    """Questions and answers of a journal; warns of lines that are lost or damaged."""
    entries, faults, expected = [], [], 1
    if not path.exists():
        return entries
    text = path.read_text(encoding="utf-8", errors="replace")
    # what follows the last end of a line was not written whole
    for number, line in enumerate(text.split("\n")[1:-1], start=2):
        entry = _checked(line)
        if entry is None:
            faults.append(f"line {number} is damaged")
            expected += 1
            continue
        position, question, answer = entry
        if position < expected:
            faults.append(f"line {number} is there twice")
            continue
        if position > expected:
            faults.append(f"{position - expected} lost before line {number}")
        entries.append((question, answer))
        expected = position + 1
    if faults:
        warnings.warn(
            f"{path}: {', '.join(faults)}; what they held is computed again",
            stacklevel=4,
        )
    return entries


def _checked(line):
    """Number, question and answer of a line, or None if it is damaged."""
    entry = _parsed(line)
    if not isinstance(entry, list) or len(entry) != 4:
        return None
    checksum, *entry = entry
    return entry if checksum == zlib.crc32(json.dumps(entry).encode()) else None


def _parsed(line):
    """Value of a line of JSON, or None."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
