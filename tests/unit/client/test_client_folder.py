"""Which files of a folder are images."""

import os
from pathlib import Path

import pytest

from client import folder as folder_module
from client.errors import ImageFailed, NoImages
from client.folder import choose_folder, find_images, is_image, names
from tests.unit.client.image_heads import IMAGES, OTHERS, PNG


@pytest.mark.parametrize("head", IMAGES.values(), ids=IMAGES.keys())
def test_an_image_is_told_by_its_first_bytes(head: bytes) -> None:
    assert is_image(head)


@pytest.mark.parametrize("head", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_image_is_not_taken_for_one(head: bytes) -> None:
    assert not is_image(head)


def test_images_are_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    for name in ("page10.png", "page2.png", "Page1.png", "7.png"):
        (tmp_path / name).write_bytes(PNG)
    assert [one.name for one in find_images(tmp_path).images] == ["7.png", "Page1.png", "page2.png", "page10.png"]


def test_other_files_are_named_and_hidden_ones_and_folders_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "a.txt").write_text("A")
    (tmp_path / "empty.png").touch()
    (tmp_path / ".hidden.png").write_bytes(PNG)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.png").write_bytes(PNG)
    os.mkfifo(tmp_path / "pipe.png")  # reading it would wait for ever
    found = find_images(tmp_path)
    assert [one.name for one in found.images] == ["a.png"]
    assert found.left_out == ("a.txt", "empty.png")


def test_one_image_in_place_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(PNG)
    assert [one.path for one in find_images(path).images] == [path]


def test_a_name_that_is_no_unicode_is_sent_as_one_that_is(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    try:
        path.write_bytes(PNG)
    except OSError:
        pytest.skip("this file system takes no such names")
    [image] = find_images(tmp_path).images
    assert image.name == "caf\ufffd.png"
    assert image.path.read_bytes() == PNG


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "There is no folder"),
        (lambda path: path.mkdir(), "is empty"),
        (lambda path: (path.mkdir(), (path / "a.txt").touch()), r"holds no .* image \(a.txt\)"),
        (lambda path: path.write_text("text"), "is no PNG, JPEG, .* image"),
        (lambda path: os.mkfifo(path), "cannot be read: Not a directory"),
    ],
)
def test_a_folder_without_images_is_told_in_one_sentence(make: object, sentence: str, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path / "scans")
    with pytest.raises(NoImages, match=sentence):
        find_images(tmp_path / "scans")


def test_a_link_that_leads_nowhere_concerns_nothing_else_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name, target in {
        "circle.png": "circle.png",
        "gone.png": "nowhere",
        "gone.txt": "nowhere",
        "to a fifo.png": "fifo",
        "to a folder.png": "folder",
        "to a.png": "a.png",
    }.items():
        (tmp_path / name).symlink_to(target)
    found = find_images(tmp_path)
    assert [one.name for one in found.images] == ["a.png", "circle.png", "gone.png", "to a.png"]
    assert found.left_out == ("gone.txt",)
    with pytest.raises(ImageFailed, match="cannot be read: Too many levels"):
        found.images[1].read()


def test_the_samples_stand_in_only_for_the_default_folder_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folder_module, "SAMPLES", tmp_path / "samples")
    assert choose_folder(None, "images") == Path("images")  # a checkout carries no samples
    (tmp_path / "samples").mkdir()
    assert choose_folder(None, "images") == tmp_path / "samples"
    assert choose_folder(None, "elsewhere") == Path("elsewhere")
    assert choose_folder(Path("images"), "images") == Path("images")
    (tmp_path / "images").mkdir()
    assert choose_folder(None, "images") == Path("images")


def test_a_long_list_of_names_is_cut_short() -> None:
    assert names(("a", "b", "c")) == "a, b, c"
    assert names(("a", "b", "c", "d", "e")) == "a, b, c and 2 more"
