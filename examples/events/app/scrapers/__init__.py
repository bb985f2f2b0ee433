"""Readers of other people's pages: addresses in, listings out. They know neither the database nor Horarium."""
