"""The files of studies: read line by line, whatever their length."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from apps.studies.models import Study
from apps.studies.readings import Summary, summarise
from apps.studies.tasks import process_large_file
from django.test import TestCase, override_settings


class TestFiles(TestCase):
    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_readings_are_summarised(self) -> None:
        path = self.folder / "some.csv"
        path.write_text("sample,value\n1,2.5\n2,-1\n3,4.5\n")
        assert summarise(path) == Summary(readings=3, lowest=-1.0, highest=4.5, mean=2.0)

    def test_a_file_without_a_reading_is_refused(self) -> None:
        path = self.folder / "none.csv"
        path.write_text("sample,value\n")
        with self.assertRaisesRegex(ValueError, "at least one reading in none.csv"):
            summarise(path)

    def test_results_are_kept_with_the_study(self) -> None:
        study = Study.objects.create(title="Melting points", file="some.csv")
        (self.folder / "some.csv").write_text("sample,value\n1,80.2\n")
        with override_settings(STUDY_FILES=self.folder):
            assert process_large_file.delay(study.pk).get()["mean"] == 80.2
        study.refresh_from_db()
        assert study.state == Study.State.PROCESSED
        assert study.results["readings"] == 1
