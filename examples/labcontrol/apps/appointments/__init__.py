"""Appointments in the laboratory, and reminders of them."""
