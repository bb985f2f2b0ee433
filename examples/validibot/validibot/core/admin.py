"""The models in the admin."""

from django.contrib import admin

from validibot.core.models import CallbackReceipt, IdempotencyKey, Output, PurgeRetry, Submission, ValidationRun


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin):
    list_display = ("name", "expires_at", "purged_at")


@admin.register(ValidationRun)
class ValidationRunAdmin(admin.ModelAdmin):
    list_display = ("__str__", "state", "started_at", "ended_at", "error")
    list_filter = ("state",)


@admin.register(Output)
class OutputAdmin(admin.ModelAdmin):
    list_display = ("volume", "run", "expires_at", "purged_at")


@admin.register(PurgeRetry)
class PurgeRetryAdmin(admin.ModelAdmin):
    list_display = ("output", "attempts", "next_try_at", "error")


admin.site.register([IdempotencyKey, CallbackReceipt])
