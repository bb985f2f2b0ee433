"""Appointments in the admin."""

from django.contrib import admin

from apps.appointments.models import Appointment


@admin.register(Appointment)
class AppointmentAdmin(admin.ModelAdmin):
    list_display = ("user", "starts", "room", "reminded")
    list_filter = ("room",)
    date_hierarchy = "starts"
