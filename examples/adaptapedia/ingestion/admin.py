"""The admin's pages of what is known."""

from django.contrib import admin

from ingestion.models import AdaptationEdge, Diff, ScreenWork, Work

admin.site.register(Work, list_display=("title", "author"), search_fields=("title", "author"))
admin.site.register(ScreenWork, list_display=("title", "kind", "year", "refreshed"), list_filter=("kind",))
admin.site.register(AdaptationEdge, raw_id_fields=("work", "screen_work"))
admin.site.register(Diff, raw_id_fields=("edge",))
