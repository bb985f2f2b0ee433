"""Horarium beside its peers: the same work, on the same machine, in the same run.

`python -m bench` runs it; README.md says what is measured and what the figures do not say.
"""
