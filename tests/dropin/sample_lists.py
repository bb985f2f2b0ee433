"""Which tests of the sample project are run with Horarium. With Celery all of them are."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parent / "sample"
ALL = sorted(path.name for path in (PROJECT / "tests").glob("test_*.py"))

# What drop-in mode does not pass yet: a file of tests -> what it waits for. Deleting a line switches the file on; a
# single test stands as file::test.
NOT_YET: dict[str, str] = {
    "test_sample_canvas.py": "canvas: chain, group, chord, replace, chunks, map",
    "test_sample_control.py": "app.control.ping and app.control.inspect",
    "test_sample_links.py::test_a_signature_is_linked": "canvas: Signature.link",
    "test_sample_links.py::test_an_errback_of_the_new_kind_is_called_with_request_exception_and_traceback": "canvas: "
    "errbacks that take request, exception and traceback",
}
