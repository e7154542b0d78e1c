"""Files are written whole or not at all."""

import os

import pytest
from nengo.exceptions import ValidationError

from maxpool_circuits import TunedDecoders
from maxpool_circuits.comparison import read_csv
from maxpool_circuits.utils.files import atomic_write


@pytest.fixture
def path(tmp_path):
    """A file with old content."""
    path = tmp_path / "table.csv"
    path.write_text("old")
    return path


def contents(folder):
    """Text of all files in a folder, hidden ones included, by name."""
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_new_content_takes_the_place_of_the_old(path, kind):
    with atomic_write(kind(path)) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert contents(path.parent) == {"table.csv": "new"}


def test_file_in_the_working_folder_need_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_write("new.csv") as unfinished:
        unfinished.write_text("new")
    assert contents(tmp_path) == {"new.csv": "new"}


def test_unfinished_file_has_the_same_ending_in_the_same_folder(path):
    with atomic_write(path) as unfinished:
        assert unfinished.suffix == ".csv"
        assert unfinished.parent == path.parent
        assert unfinished != path


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_exception_leaves_the_old_file_and_nothing_else(path, exception):
    with pytest.raises(exception), atomic_write(path) as unfinished:
        unfinished.write_text("half of the n")
        raise exception
    assert contents(path.parent) == {"table.csv": "old"}


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_those_of_an_ordinary_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "new.csv"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o666 & ~umask


def test_missing_folder_is_an_error(tmp_path):
    path = tmp_path / "missing" / "table.csv"
    with pytest.raises(FileNotFoundError, match="missing"), atomic_write(path):
        pytest.fail("the block must not run")
    assert contents(tmp_path) == {}


# --- what was there before ------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


def write(path):
    """Write new content."""
    with atomic_write(path) as unfinished:
        unfinished.write_text("new")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_mode_of_the_old_file_stays(path, mode):
    path.chmod(mode)
    write(path)
    assert path.stat().st_mode & 0o777 == mode


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(path, tmp_path, exists):
    if not exists:
        path.unlink()
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.csv"
    link.symlink_to(path)
    write(link)
    assert link.is_symlink() and path.read_text() == "new"


@posix
@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root may write")
def test_a_read_only_file_is_refused_with_its_name(path):
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="table.csv' cannot be written"):
        write(path)
    assert contents(path.parent) == {"table.csv": "old"}


@posix
def test_pipes_and_devices_are_refused_with_their_name(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        with pytest.raises(OSError, match=f"{name}' is not an ordinary file"):
            write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["null", "pipe"]


@posix
@pytest.mark.parametrize("read", [read_csv, TunedDecoders.load])
def test_pipes_and_devices_which_may_never_end_are_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(OSError, match="is not an ordinary file"):
            read(path)


@pytest.mark.parametrize("path", ["", 3, None, b"table.csv", "a\0b", ["table.csv"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValidationError, match="must be the path of a file"):
        write(path)
