"""What the project speaks to, on this machine: a SPARQL endpoint and a film database, with the same invented works."""
