"""The cookies by which a browser remembers how its reader wants the dashboard to be."""

ZONE = "horarium_zone"  # the zone in which times are to be read
THEME = "horarium_theme"  # light or dark
DENSITY = "horarium_density"  # tight
