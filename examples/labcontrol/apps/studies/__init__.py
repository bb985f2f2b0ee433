"""Studies, and the files that their instruments deliver."""
