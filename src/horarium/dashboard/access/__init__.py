"""Who may come in, and how they show it: sessions of browsers, tokens of programs, passwords, proxies, other sites.

``Door`` is the whole of it; the rest are its parts. What is secret is kept as a digest only.
"""

from horarium.dashboard.access.asked import Asked
from horarium.dashboard.access.door import Door, LoginRefused
from horarium.dashboard.access.links import LoginLinks
from horarium.dashboard.access.passwords import User, hashed, read_users
from horarium.dashboard.access.proxy import ProxyHeader
from horarium.dashboard.access.tokens import Token, Tokens

__all__ = [
    "Asked",
    "Door",
    "LoginLinks",
    "LoginRefused",
    "ProxyHeader",
    "Token",
    "Tokens",
    "User",
    "hashed",
    "read_users",
]
