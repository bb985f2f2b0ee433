"""Submissions, their validations, and the jobs that clean up."""
