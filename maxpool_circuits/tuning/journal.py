"""What an interrupted search had found out."""

import json
from pathlib import Path

from nengo.exceptions import ValidationError

from ..utils.files import written_whole


class Journal:
    """Answers to questions, kept in memory and, if there is a path, in a file.

    A run that asks a question that an interrupted one had asked gets its answer, in
    whatever order. The file has one line of JSON for what the run is about and one for
    each question with its answer; a file about something else is refused.

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
        self.path = None if path is None else Path(path)
        self._answers = {}
        if self.path is None:
            return
        about = json.loads(json.dumps(about))
        lines = _whole_lines(self.path)
        if lines and lines[0] != about:
            raise ValidationError(
                f"{self.path} is the journal of another run; delete it to start again",
                attr="journal",
            )
        for question, answer in lines[1:]:
            self._answers[_text(question)] = answer
        # also cuts off a last line that was not finished
        with written_whole(self.path) as unfinished:
            _append(unfinished, [about, *lines[1:]])

    def recall(self, question, compute):
        """The answer to a question that JSON can carry, computed if it is new."""
        key = _text(question)
        if key not in self._answers:
            self._answers[key] = compute()
            if self.path is not None:
                _append(self.path, [[question, self._answers[key]]])
        return self._answers[key]

    def forget(self):
        """Delete the file: the run is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _text(question):
    return json.dumps(question, sort_keys=True)


def _append(path, entries):
    """Add lines to a file."""
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)


def _whole_lines(path):
    """Entries of a journal, up to the first line that was not written whole."""
    entries = []
    if not path.exists():
        return entries
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries
