"""Who delivers, as the settings say: read from the file, checked field by field, and never a secret in what is told."""

from pathlib import Path

import pytest
from holdback.foundation import lay_foundation
from holdback.outside import home_outside
from holdback_base.problem import Problem
from holdback_servers.schedule.publishers.folder import FolderPublisher
from holdback_servers.schedule.publishers.webhook import WebhookPublisher
from holdback_servers.settings import Settings, load_settings

SECRET = "s3cret-of-the-house"


def read(home: Path, text: str) -> Settings:
    (home / "holdback.toml").write_text(text, encoding="utf-8")
    return load_settings({}, home=home)


def test_publishers_are_named_in_the_file_besides_the_folder_in_the_home(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"""
        standing_seconds = 30
        [publishers.tube]
        kind = "webhook"
        url = "https://publish.example/holdback"
        key = "{SECRET}"
        timeout_seconds = 12.5
        [publishers.archive]
        kind = "folder"
        folder = "out/archive"
        """,
    )
    assert (settings.standing_seconds, settings.delivery_tries) == (30, 10)
    foundation = lay_foundation(settings, "mcp:schedule")
    try:
        publishers = home_outside(foundation).publishers
        assert sorted(publishers) == ["archive", "folder", "tube"]
        assert isinstance(publishers["tube"], WebhookPublisher)
        assert isinstance(publishers["archive"], FolderPublisher)
        assert publishers["folder"] is publishers["folder"]
        assert publishers.get("nobody") is None
    finally:
        foundation.audit.close()


@pytest.mark.parametrize(
    ("given", "field", "cure"),
    [
        ('kind = "ftp"', "publishers.tube.kind", "folder"),
        ('kind = "webhook"', "publishers.tube", "needs its url"),
        ('kind = "folder"', "publishers.tube", "needs its folder"),
        ('kind = "folder"\nfolder = "out"\nurl = "https://a.example"', "publishers.tube", "make it a webhook"),
        (
            'kind = "webhook"\nurl = "https://a.example"\nfolder = "out"',
            "publishers.tube",
            "make it a folder publisher",
        ),
        ('kind = "webhook"\nurl = "publish.example"', "publishers.tube.url", "whole address"),
        ('kind = "webhook"\nurl = "ftp://publish.example"', "publishers.tube.url", "whole address"),
        ('kind = "webhook"\nurl = "http://[::1"', "publishers.tube.url", "Invalid IPv6"),
        ('kind = "webhook"\nurl = "http://publish.example"', "publishers.tube.url", "write https"),
        (f'kind = "webhook"\nurl = "https://me:{SECRET}@publish.example"', "publishers.tube.url", "secret in key"),
        (f'kind = "webhook"\nurl = "https://a.example"\nkey = "{SECRET}\\n"', "publishers.tube.key", "one line"),
        (f'kind = "webhook"\nurl = "https://a.example"\nkey = "{SECRET}ü"', "publishers.tube.key", "ASCII"),
        (
            'kind = "webhook"\nurl = "https://a.example"\ntimeout_seconds = 0',
            "publishers.tube.timeout_seconds",
            "greater",
        ),
        ('kind = "webhook"\nurl = "https://a.example"\npassword = 1', "publishers.tube.password", "no setting"),
    ],
)
def test_a_mistake_names_the_field_and_the_cure_and_repeats_no_secret(
    tmp_path: Path, given: str, field: str, cure: str
) -> None:
    with pytest.raises(Problem) as refused:
        read(tmp_path, f"[publishers.tube]\n{given}\n")
    problem = refused.value
    assert problem.code == "INVALID_ARGUMENT"
    assert f"The setting {field} is not valid" in problem.message
    assert cure in problem.message
    assert problem.hint == f"Correct {field} in {tmp_path / 'holdback.toml'}."
    assert SECRET not in problem.line()


def test_a_name_that_no_channel_could_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"publishers\.Big Tube"):
        read(tmp_path, '[publishers."Big Tube"]\nkind = "folder"\nfolder = "out"\n')


def test_an_address_of_this_machine_may_be_plain_http(tmp_path: Path) -> None:
    settings = read(tmp_path, '[publishers.tube]\nkind = "webhook"\nurl = "http://127.0.0.1:9000/in"\n')
    assert settings.publishers["tube"].url == "http://127.0.0.1:9000/in"


def test_a_secret_is_in_nothing_that_is_written_of_the_settings(tmp_path: Path) -> None:
    settings = read(
        tmp_path, f'[publishers.tube]\nkind = "webhook"\nurl = "https://publish.example"\nkey = "{SECRET}"\n'
    )
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()} {settings.publishers!r}"
