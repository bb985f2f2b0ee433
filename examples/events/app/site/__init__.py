"""The pages that the example scrapes: a site of our own, invented for the purpose, served on loopback only."""
