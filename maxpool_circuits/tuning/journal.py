"""What an interrupted run had found out."""

import json
from pathlib import Path

from nengo.exceptions import ValidationError

from ..utils.files import written_whole


class Journal:
    """Results in the order they were asked for, kept in a file.

    A run that asks the same questions in the same order gets the answers of the run
    that was interrupted, and goes on where that one stopped.

    Parameters
    ----------
    path : str or os.PathLike or None
        The file, one line of JSON for each result. None: nothing is kept.
    about : dict
        What the run is about. A file about something else is refused.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the file belongs to another run.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = folder.name + "/journal"
    >>> Journal(path, {"seed": 0}).recall(lambda: 6 * 7)
    42
    >>> Journal(path, {"seed": 0}).recall(lambda: "not computed again")
    42
    >>> folder.cleanup()
    """

    def __init__(self, path, about):
        self.path = None if path is None else Path(path)
        self._recorded = []
        if self.path is None:
            return
        about = json.loads(json.dumps(about))
        lines = _whole_lines(self.path)
        if lines and lines[0] != about:
            raise ValidationError(
                f"{self.path} is the journal of another run; delete it to start anew",
                attr="journal",
            )
        self._recorded = lines[1:]
        # also cuts off a last line that was not finished
        with written_whole(self.path) as unfinished:
            _append(unfinished, [about, *self._recorded])

    def recall(self, compute):
        """Take the next result from the journal, or compute it and write it down.

        Parameters
        ----------
        compute : callable
            Returns something that JSON can carry.

        Returns
        -------
        object
            The result.
        """
        if self._recorded:
            return self._recorded.pop(0)
        result = compute()
        if self.path is not None:
            _append(self.path, [result])
        return result

    def forget(self):
        """Delete the file: the run is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


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
