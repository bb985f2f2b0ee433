"""The tasks against the servers of ``outside``, without a worker: ``python manage.py test``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone
from outside.sparql_server import sparql_server
from outside.tmdb_server import tmdb_server
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from ingestion import tasks
from ingestion.models import AdaptationEdge, ScreenWork, Work
from ingestion.patience import seconds_of
from ingestion.storing import store
from ingestion.wikidata import Adaptation, Wikidata

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class WaitingTest(SimpleTestCase):
    def test_a_retry_after_is_seconds_or_a_date(self) -> None:
        self.assertEqual(seconds_of("120", NOON, 60), 120)
        self.assertEqual(seconds_of("Sat, 28 Nov 2026 12:00:30 GMT", NOON, 60), 30)
        self.assertEqual(seconds_of("Sat, 28 Nov 2026 11:00:00 GMT", NOON, 60), 0)
        self.assertEqual(seconds_of("soon", NOON, 60), 60)


class IngestionTest(TestCase):
    def setUp(self) -> None:
        cache.clear()

    def test_adaptations_come_page_by_page(self) -> None:
        with sparql_server(nth=0) as url, Wikidata(url, timeout=30) as wikidata:
            pages = list(wikidata.pages(60))  # the second is full, so a third is asked for
        self.assertEqual([len(page) for page in pages], [60, 60])
        self.assertIn("The Quiet Letter", {each.title for each in pages[0]})

    def test_an_ingestion_is_tried_again_and_may_be_repeated(self) -> None:
        with sparql_server(nth=2) as url, override_settings(WIKIDATA_SPARQL_URL=url, OUTSIDE_TIMEOUT=1.0):
            self.assertEqual(tasks.run_daily_wikidata_ingestion.apply().state, "FAILURE")  # each second page
            self.assertEqual(AdaptationEdge.objects.count(), 50)  # the first one is there
        with sparql_server(nth=0) as url, override_settings(WIKIDATA_SPARQL_URL=url):
            self.assertEqual(tasks.run_daily_wikidata_ingestion()["new_adaptations"], 70)
            self.assertEqual(tasks.run_daily_wikidata_ingestion()["new_adaptations"], 0)
        self.assertEqual(cache.get("last_wikidata_ingestion")["pages"], 3)

    def test_what_has_a_new_title_is_updated(self) -> None:
        edge = Adaptation("Q1", "Draft", "Somebody", "Q2", "Draft: the film", 7, None)
        store([edge])
        store([edge._replace(title="The Book", screen_title="The Film")])
        self.assertEqual((Work.objects.get().title, ScreenWork.objects.get().title), ("The Book", "The Film"))
        self.assertEqual(AdaptationEdge.objects.count(), 1)


class RefreshTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        ScreenWork.objects.bulk_create(
            ScreenWork(wikidata_id=f"Q{number}", title="?", kind="movie", tmdb_id=700_000 + number)
            for number in range(70)
        )
        ScreenWork.objects.create(wikidata_id="Q99", title="of no number", kind="movie")

    def test_all_moods_are_outlasted_and_the_limit_holds_over_the_retries(self) -> None:
        with tmdb_server(nth=20) as url, override_settings(TMDB_API_URL=url, OUTSIDE_TIMEOUT=1.0):
            result = tasks.refresh_tmdb_metadata.apply(kwargs={"limit": 60})  # busy, broken, silent
        self.assertEqual((result.state, result.retries), ("SUCCESS", 3))
        self.assertEqual(ScreenWork.objects.filter(refreshed__isnull=False).count(), 60)
        first = ScreenWork.objects.get(tmdb_id=700_000)
        self.assertEqual((first.year, first.poster), (1950, "/700000.jpg"))

    def test_those_not_looked_up_for_longest_come_first(self) -> None:
        ScreenWork.objects.filter(tmdb_id__lt=700_068).update(refreshed=timezone.now())
        with tmdb_server(nth=0) as url, override_settings(TMDB_API_URL=url):
            tasks.refresh_tmdb_metadata(limit=2)
        self.assertFalse(ScreenWork.objects.filter(refreshed__isnull=True, tmdb_id__isnull=False).exists())

    def test_a_number_that_the_database_does_not_know_is_noted(self) -> None:
        ScreenWork.objects.update(tmdb_id=None)
        ScreenWork.objects.filter(wikidata_id="Q99").update(tmdb_id=1)
        with tmdb_server(nth=0) as url, override_settings(TMDB_API_URL=url):
            self.assertEqual(tasks.refresh_tmdb_metadata(), {"refreshed": 0, "unknown": 1})


class CleanupTest(TestCase):
    def test_expired_sessions_go(self) -> None:
        for days in (-1, 1):
            Session.objects.create(session_key=f"s{days}", expire_date=timezone.now() + timedelta(days=days))
        self.assertEqual(tasks.cleanup_expired_sessions(), {"deleted": 1})
        self.assertEqual(Session.objects.get().session_key, "s1")

    def test_tokens_go_thirty_days_after_they_expired(self) -> None:
        ana = User.objects.create_user("ana")
        for days in (-31, -29, 1):
            token = RefreshToken.for_user(ana)
            token.blacklist()
            expires = timezone.now() + timedelta(days=days)
            OutstandingToken.objects.filter(jti=token["jti"]).update(expires_at=expires)
        self.assertEqual(tasks.cleanup_expired_jwt_tokens(), {"deleted": 1})
        self.assertEqual(OutstandingToken.objects.count(), 2)


class StatisticsTest(TestCase):
    def test_the_web_process_tells_what_the_task_has_cached(self) -> None:
        cache.clear()
        self.assertIsNone(self.client.get("/").json()["site_statistics"])
        User.objects.create_user("ana", last_login=timezone.now())
        ScreenWork.objects.create(wikidata_id="Q1", title="A series", kind="tv")
        tasks.update_site_statistics()
        told = self.client.get("/").json()["site_statistics"]
        self.assertEqual((told["total_users"], told["active_users"], told["kind_tv"]), (1, 1, 1))

    def test_a_worker_that_answers_is_healthy(self) -> None:
        self.assertEqual(tasks.health_check.apply().result["status"], "healthy")
