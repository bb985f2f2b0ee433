"""Books and what was made of them for the screen: fetched from Wikidata, enriched with film metadata."""
