import os

import pytest

from keras_sandwich.files.targets import require_target


def test_what_is_no_target(tmp_path):
    source = tmp_path / "source.png"
    source.write_bytes(b"x")
    (tmp_path / "link.png").symlink_to(source)
    os.link(source, tmp_path / "hard.png")
    for same in ("source.png", "link.png", "hard.png"):
        with pytest.raises(ValueError, match="its own target"):
            require_target(tmp_path / same, source)
    with pytest.raises(IsADirectoryError, match="add a file name"):
        require_target(tmp_path, source)
    with pytest.raises(FileNotFoundError, match="make its folder"):
        require_target(tmp_path / "nowhere" / "a.png", source)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="regular file"):
        require_target(tmp_path / "pipe.png", source)
