"""Files are written whole or not at all."""

import os

import pytest

from maxpool_circuits.utils.files import written_whole


@pytest.fixture
def path(tmp_path):
    """A file with old content."""
    path = tmp_path / "table.csv"
    path.write_text("old")
    return path


def contents(folder):
    """Text of all files in a folder, hidden ones included, by name."""
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("kind", [str, os.fspath, lambda path: path])
def test_new_content_takes_the_place_of_the_old(path, kind):
    with written_whole(kind(path)) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert contents(path.parent) == {"table.csv": "new"}


def test_file_need_not_exist(tmp_path):
    with written_whole(tmp_path / "new.csv") as unfinished:
        unfinished.write_text("new")
    assert contents(tmp_path) == {"new.csv": "new"}


def test_file_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with written_whole("new.csv") as unfinished:
        unfinished.write_text("new")
    assert contents(tmp_path) == {"new.csv": "new"}


def test_unfinished_file_has_the_same_ending_in_the_same_folder(path):
    with written_whole(path) as unfinished:
        assert unfinished.suffix == ".csv"
        assert unfinished.parent == path.parent
        assert unfinished != path


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_exception_leaves_the_old_file_and_nothing_else(path, exception):
    with pytest.raises(exception), written_whole(path) as unfinished:
        unfinished.write_text("half of the n")
        raise exception
    assert contents(path.parent) == {"table.csv": "old"}


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_those_of_an_ordinary_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        with written_whole(tmp_path / "new.csv"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o666 & ~umask


def test_missing_folder_is_an_error(tmp_path):
    path = tmp_path / "missing" / "table.csv"
    with pytest.raises(FileNotFoundError, match="missing"), written_whole(path):
        pytest.fail("the block must not run")
    assert contents(tmp_path) == {}


def test_path_that_is_a_folder_is_an_error_and_leaves_nothing(tmp_path):
    folder = tmp_path / "table.csv"
    folder.mkdir()
    with pytest.raises(OSError), written_whole(folder) as unfinished:
        unfinished.write_text("new")
    assert list(tmp_path.iterdir()) == [folder]
